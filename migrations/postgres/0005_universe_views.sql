-- The names users know for the whole universe, and what ranges say of each wallet. Columns are only
-- appended to views that were there before.

-- How far ranges have told a wallet: not where a walk of its own is under way, where a range had to
-- leave rows out, or where its own sync ends before ranges begin.
CREATE VIEW wallet_covered AS
SELECT w.wallet_id, v.to_ts
FROM wallet w
LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
CROSS JOIN LATERAL (
  SELECT max(c.to_ts) AS to_ts FROM coverage c
   WHERE c.to_ts >= c.from_ts
     AND NOT EXISTS (SELECT 1 FROM wallet_cursor k WHERE k.wallet_id = w.wallet_id
                        AND (k.position <> '' OR (k.source <> c.source AND k.complete_to = 0
                          AND NOT EXISTS (SELECT 1 FROM coverage o
                            WHERE o.source = k.source AND o.to_ts >= o.from_ts))))
     AND NOT EXISTS (SELECT 1 FROM wallet_due d WHERE d.wallet_id = w.wallet_id AND d.skipped
                        AND d.seen_ts > coalesce(s.complete_to, 0))
     AND (coalesce(s.complete_to, 0) + 1 >= c.from_ts
          OR EXISTS (SELECT 1 FROM wallet_cursor k
                      WHERE k.wallet_id = w.wallet_id AND k.source = c.source
                        AND c.from_ts <= k.complete_to + 1)
          OR EXISTS (SELECT 1 FROM wallet_cursor k JOIN coverage o ON o.source = k.source
                      WHERE k.wallet_id = w.wallet_id AND k.source <> c.source
                        AND o.from_ts <= coalesce(s.complete_to, 0) + 1
                        AND c.from_ts <= o.to_ts + 1))) v
WHERE v.to_ts IS NOT NULL;

CREATE OR REPLACE VIEW wallet_sync_metadata AS
SELECT hex0x(w.address)                       AS wallet_address,
       (ARRAY['pending', 'syncing', 'completed', 'failed'])[
         CASE WHEN coalesce(s.status, 0) = 0 AND v.to_ts IS NOT NULL THEN 2
              ELSE coalesce(s.status, 0) END + 1]  AS sync_status,
       coalesce(s.trades_stored, 0)           AS total_trades_synced,
       coalesce(s.trades_processed, 0)        AS total_trades_processed,
       s.last_synced_at                       AS last_synced_at,
       to_timestamp(nullif(s.last_trade_ts, 0)) AS last_trade_timestamp,
       to_timestamp(nullif(greatest(s.complete_to, v.to_ts), 0)) AS complete_to,
       coalesce(s.duration_ms, 0)             AS sync_duration_ms,
       coalesce(s.error_count, 0)             AS error_count,
       s.last_error                           AS last_error
FROM wallet w
LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
CROSS JOIN LATERAL (
  -- As wallet_covered, but for the wallets alone that are asked for.
  SELECT max(c.to_ts) AS to_ts FROM coverage c
   WHERE c.to_ts >= c.from_ts
     AND NOT EXISTS (SELECT 1 FROM wallet_cursor k WHERE k.wallet_id = w.wallet_id
                        AND (k.position <> '' OR (k.source <> c.source AND k.complete_to = 0
                          AND NOT EXISTS (SELECT 1 FROM coverage o
                            WHERE o.source = k.source AND o.to_ts >= o.from_ts))))
     AND NOT EXISTS (SELECT 1 FROM wallet_due d WHERE d.wallet_id = w.wallet_id AND d.skipped
                        AND d.seen_ts > coalesce(s.complete_to, 0))
     AND (coalesce(s.complete_to, 0) + 1 >= c.from_ts
          OR EXISTS (SELECT 1 FROM wallet_cursor k
                      WHERE k.wallet_id = w.wallet_id AND k.source = c.source
                        AND c.from_ts <= k.complete_to + 1)
          OR EXISTS (SELECT 1 FROM wallet_cursor k JOIN coverage o ON o.source = k.source
                      WHERE k.wallet_id = w.wallet_id AND k.source <> c.source
                        AND o.from_ts <= coalesce(s.complete_to, 0) + 1
                        AND c.from_ts <= o.to_ts + 1))) v;

CREATE OR REPLACE VIEW wallet_sync_progress AS
SELECT count(*)                                             AS wallets,
       count(*) FILTER (WHERE coalesce(s.status, 0) = 0 AND v.to_ts IS NULL) AS pending,
       count(*) FILTER (WHERE s.status = 1)                 AS syncing,
       count(*) FILTER (WHERE s.status = 2
                           OR (coalesce(s.status, 0) = 0 AND v.to_ts IS NOT NULL)) AS completed,
       count(*) FILTER (WHERE s.status = 3)                 AS failed,
       count(*) FILTER (WHERE s.quarantined)                AS quarantined,
       coalesce(sum(s.trades_stored), 0)::bigint            AS trades,
       to_timestamp(min(greatest(s.complete_to, v.to_ts)) FILTER (
         WHERE s.status = 2 OR (coalesce(s.status, 0) = 0 AND v.to_ts IS NOT NULL)))
                                                            AS oldest_complete_to,
       coalesce(sum(s.error_count), 0)::bigint              AS errors
FROM wallet w
LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
LEFT JOIN wallet_covered v ON v.wallet_id = w.wallet_id;

CREATE OR REPLACE VIEW wallets_needing_sync AS
SELECT wallet_address, reason, priority
FROM (
  SELECT hex0x(w.address) AS wallet_address,
         w.wallet_id,
         s.last_synced_at,
         r.reason,
         CASE WHEN s.volume >= 100000000000 THEN 1
              WHEN r.reason IN ('new', 'never') THEN 2
              WHEN r.reason = 'failed' THEN 3
              ELSE 4 END AS priority
  FROM wallet w
  LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
  LEFT JOIN wallet_covered v ON v.wallet_id = w.wallet_id
  CROSS JOIN LATERAL (SELECT CASE
      WHEN s.status = 3 THEN 'failed'
      WHEN to_timestamp(v.to_ts) >= now() - interval '1 day' THEN NULL
      WHEN v.to_ts IS NOT NULL AND s.last_synced_at IS NULL THEN 'stale'
      WHEN coalesce(s.status, 0) = 0 AND w.first_seen_at > now() - interval '1 day' THEN 'new'
      WHEN s.last_synced_at IS NULL THEN 'never'
      WHEN s.status <> 2 OR s.last_synced_at < now() - interval '1 day' THEN 'stale' END AS reason) r
  WHERE r.reason IS NOT NULL AND NOT coalesce(s.quarantined, false)
) due
ORDER BY priority, last_synced_at NULLS FIRST, wallet_id;

CREATE OR REPLACE VIEW markets AS
SELECT hex0x(m.condition_id) AS condition_id,
       m.gamma_id            AS market_id,
       m.slug                AS slug,
       m.question            AS question,
       coalesce(m.category, e.category) AS category,
       m.tags                AS tags,
       e.slug                AS event_slug,
       m.neg_risk            AS neg_risk,
       m.closed              AS closed,
       m.resolved            AS resolved,
       m.payouts             AS payouts,
       m.end_date            AS end_date,
       m.outcomes            AS outcomes,
       m.updated_at          AS updated_at,
       e.gamma_id            AS event_id,
       hex0x(m.question_id)  AS question_id,
       hex0x(m.neg_risk_market_id) AS neg_risk_market_id,
       m.group_title         AS group_title,
       m.gamma_version       AS version,
       m.volume              AS volume,
       m.created_at          AS created_at,
       m.start_date          AS start_date,
       m.closed_time         AS closed_time,
       m.resolved_at         AS resolved_at,
       (ARRAY['chain', 'data-api', 'clob', 'gamma'])[m.resolution_source] AS resolution_source
FROM market m
LEFT JOIN event e ON e.event_key = m.event_key;

CREATE OR REPLACE VIEW events AS
SELECT gamma_id AS event_id, slug, title, category, tags, neg_risk, closed, updated_at,
       hex0x(neg_risk_market_id) AS neg_risk_market_id,
       volume, created_at, start_date, end_date, closed_time
FROM event;

-- payout: what a share is worth since its market is resolved; null before.
CREATE VIEW tokens AS
SELECT k.token_id             AS token_id,
       hex0x(k.condition_id)  AS condition_id,
       m.gamma_id             AS market_id,
       m.slug                 AS market_slug,
       e.slug                 AS event_slug,
       k.outcome              AS outcome,
       k.outcome_index        AS outcome_index,
       k.era                  AS era,
       k.resolve_state = 1    AS is_known,
       CASE WHEN m.resolved THEN m.payouts[k.outcome_index + 1] END AS payout
FROM token k
LEFT JOIN market m ON m.condition_id = k.condition_id
LEFT JOIN event e ON e.event_key = m.event_key;

CREATE VIEW api_markets_staging AS
SELECT m.gamma_id             AS market_id,
       hex0x(m.condition_id)  AS condition_id,
       hex0x(m.question_id)   AS question_id,
       m.slug                 AS slug,
       m.question             AS question,
       coalesce(m.category, e.category) AS category,
       m.tags                 AS tags,
       m.outcomes             AS outcomes,
       (SELECT array_agg(k.token_id ORDER BY k.outcome_index) FROM token k
         WHERE k.condition_id = m.condition_id) AS token_ids,
       e.gamma_id             AS event_id,
       e.slug                 AS event_slug,
       e.title                AS event_title,
       m.neg_risk             AS neg_risk,
       m.closed               AS closed,
       m.resolved             AS resolved,
       m.payouts              AS payouts,
       m.volume               AS volume,
       m.created_at           AS created_at,
       m.start_date           AS start_date,
       m.end_date             AS end_date,
       m.closed_time          AS closed_time,
       m.updated_at           AS updated_at
FROM market m
LEFT JOIN event e ON e.event_key = m.event_key;

CREATE VIEW api_positions_staging AS
SELECT hex0x(w.address)       AS wallet_address,
       k.token_id             AS token_id,
       hex0x(coalesce(p.condition_id, k.condition_id)) AS condition_id,
       m.gamma_id             AS market_id,
       m.slug                 AS market_slug,
       e.slug                 AS event_slug,
       coalesce(m.category, e.category) AS category,
       coalesce(p.outcome, k.outcome)   AS outcome,
       coalesce(p.outcome_index, k.outcome_index) AS outcome_index,
       p.status               AS status,
       p.size                 AS size,
       p.total_size           AS total_size,
       p.avg_price            AS avg_price,
       p.entry_cost           AS entry_cost,
       p.entry_fees           AS entry_fees,
       p.current_price        AS current_price,
       p.current_value        AS current_value,
       p.realized_pnl         AS realized_pnl,
       p.unrealized_pnl       AS unrealized_pnl,
       to_timestamp(p.first_entry_at) AS first_entry_at,
       to_timestamp(p.last_event_at)  AS last_event_at,
       p.seen_at              AS seen_at
FROM position p
JOIN wallet w ON w.wallet_id = p.wallet_id
JOIN token k ON k.token_key = p.token_key
LEFT JOIN market m ON m.condition_id = coalesce(p.condition_id, k.condition_id)
LEFT JOIN event e ON e.event_key = m.event_key;

-- Everything that moved shares or money of a wallet besides trades.
CREATE VIEW wallet_activity AS
SELECT hex0x(w.address)       AS wallet_address,
       (ARRAY['SPLIT', 'MERGE', 'REDEEM', 'REWARD', 'CONVERSION', 'MIGRATION', 'MAKER_REBATE',
              'TAKER_REBATE', 'REFERRAL_REWARD', 'YIELD', 'DEPOSIT', 'WITHDRAWAL', 'TIP'])[a.kind]
                              AS type,
       hex0x(a.condition_id)  AS condition_id,
       m.gamma_id             AS market_id,
       e.slug                 AS event_slug,
       coalesce(m.category, e.category) AS category,
       k.token_id             AS token_id,
       k.outcome              AS outcome,
       (a.size::numeric / 1000000)::numeric(30, 6) AS size,
       (a.usdc::numeric / 1000000)::numeric(30, 6) AS usdc_amount,
       hex0x(a.tx)            AS transaction_hash,
       to_timestamp(a.ts)     AS happened_at
FROM activity a
JOIN wallet w ON w.wallet_id = a.wallet_id
LEFT JOIN token k ON k.token_key = a.token_key
LEFT JOIN market m ON m.condition_id = a.condition_id
LEFT JOIN event e ON e.event_key = m.event_key;

CREATE VIEW portfolio_values AS
SELECT hex0x(w.address) AS wallet_address, v.value AS value_usd, v.at AS seen_at
FROM portfolio_value v JOIN wallet w ON w.wallet_id = v.wallet_id;

-- Fills, and what the Data API says of positions, side by side: never add up across `origin`. A row of
-- origin 'position' has the shares bought in all, their average price and cost, and no transaction.
CREATE VIEW vw_trades_unified AS
SELECT 'trade'::text AS origin, source, wallet_address, token_id, condition_id, market_id, event_slug,
       category, outcome, outcome_index, side, price, size, usdc_amount, fee, role,
       transaction_hash, log_index, traded_at, exchange_version, trade_id
FROM trades_raw
UNION ALL
SELECT 'position', 'positions-api', wallet_address, token_id, condition_id, market_id, event_slug,
       category, outcome, outcome_index, NULL, avg_price, total_size, entry_cost, entry_fees, NULL,
       NULL, NULL, last_event_at, NULL, NULL
FROM api_positions_staging;

-- wallets_processed: of the stage of trades, else of the one that works on wallets.
CREATE OR REPLACE VIEW sync_runs AS
SELECT r.run_id      AS run,
       r.kind        AS kind,
       r.started_at  AS started,
       r.finished_at AS finished,
       CASE WHEN r.state IN ('running', 'finished')
            THEN greatest(0, coalesce(r.stage_totals[n.stage], 0)
              - (SELECT coalesce(sum(cardinality(c.wallets)), 0) FROM chunk c
                  WHERE c.run_id = r.run_id AND c.stage = n.stage AND c.state <> 'done')
              - (SELECT count(*) FROM run_failure f
                  WHERE f.run_id = r.run_id AND f.stage = n.stage AND f.final))
            ELSE 0 END AS wallets_processed,
       r.trades      AS trades_fetched,
       r.markets_fetched AS markets_fetched,
       r.events_fetched  AS events_fetched,
       coalesce(r.finished_at, now()) - r.started_at AS duration,
       r.outcome     AS outcome,
       r.wallets_found AS wallets_found,
       r.stages      AS stages,
       r.stage       AS stage,
       r.scheduled_by AS scheduled_by
FROM run r
CROSS JOIN LATERAL (
  SELECT coalesce(array_position(r.stages, 'trades'), array_position(r.stages, 'activity'),
                  array_position(r.stages, 'positions'), array_position(r.stages, 'audit'))
         AS stage) n;
