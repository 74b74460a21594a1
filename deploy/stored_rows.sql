-- Every stored trade as a line of the simulator's oracle: sort with LC_ALL=C and compare.
SELECT concat_ws(E'\t', wallet_address, extract(epoch FROM traded_at)::bigint, transaction_hash,
                 token_id, condition_id, side, (size * 1000000)::bigint, (usdc_amount * 1000000)::bigint)
FROM trades_raw;
