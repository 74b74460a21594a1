-- Fills, and what the Data API says of positions, side by side: never add up across `origin`. A row of
-- origin 'position' has the shares bought in all, their average price and what they cost at it, and no
-- transaction. The API's own cost, entry_cost, is that of the shares still held: 0 once all are sold.
CREATE OR REPLACE VIEW vw_trades_unified AS
SELECT 'trade'::text AS origin, source, wallet_address, token_id, condition_id, market_id, event_slug,
       category, outcome, outcome_index, side, price, size, usdc_amount, fee, role,
       transaction_hash, log_index, traded_at, exchange_version, trade_id
FROM trades_raw
UNION ALL
SELECT 'position', 'positions-api', wallet_address, token_id, condition_id, market_id, event_slug,
       category, outcome, outcome_index, NULL, avg_price, total_size, round(total_size * avg_price, 6),
       entry_fees, NULL, NULL, NULL, last_event_at, NULL, NULL
FROM api_positions_staging;
