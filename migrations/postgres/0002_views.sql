-- The names users know (docs/operations.md lists the columns). Addresses and hashes are lower-case
-- 0x text, amounts whole units. A query by wallet_address finds the wallet by its text index.

CREATE VIEW trades_raw AS
SELECT encode(int8send(t.tx_head) || t.tx_rest, 'hex') || '-' || t.wallet_id || '-'
         || to_hex(t.event_key)              AS trade_id,
       hex0x(w.address)                      AS wallet_address,
       k.token_id                            AS token_id,
       hex0x(k.condition_id)                 AS condition_id,
       m.gamma_id                            AS market_id,
       e.slug                                AS event_slug,
       coalesce(m.category, e.category)      AS category,
       k.outcome                             AS outcome,
       k.outcome_index                       AS outcome_index,
       CASE t.side WHEN '0' THEN 'BUY' ELSE 'SELL' END AS side,
       round(t.usdc::numeric / nullif(t.size, 0), 6)   AS price,
       (t.size::numeric / 1000000)::numeric(30, 6)     AS size,
       (t.usdc::numeric / 1000000)::numeric(30, 6)     AS usdc_amount,
       (t.fee::numeric / 1000000)::numeric(30, 6)      AS fee,
       CASE t.role WHEN '1' THEN 'maker' WHEN '2' THEN 'taker' END AS role,
       hex0x(int8send(t.tx_head) || t.tx_rest)         AS transaction_hash,
       t.log_index                           AS log_index,
       to_timestamp(t.ts)                    AS traded_at,
       CASE t.exchange_version WHEN '1' THEN 'V1' WHEN '2' THEN 'V2' END AS exchange_version,
       CASE t.source WHEN '1' THEN 'subgraph' WHEN '2' THEN 'data-api' WHEN '3' THEN 'rpc'
                     WHEN '4' THEN 'dome' END AS source
FROM trade t
JOIN wallet w ON w.wallet_id = t.wallet_id
JOIN token k ON k.token_key = t.token_key
LEFT JOIN market m ON m.condition_id = k.condition_id
LEFT JOIN event e ON e.event_key = m.event_key;

CREATE VIEW wallet_sync_metadata AS
SELECT hex0x(w.address)                       AS wallet_address,
       (ARRAY['pending', 'syncing', 'completed', 'failed'])[coalesce(s.status, 0) + 1] AS sync_status,
       coalesce(s.trades_stored, 0)           AS total_trades_synced,
       coalesce(s.trades_processed, 0)        AS total_trades_processed,
       s.last_synced_at                       AS last_synced_at,
       to_timestamp(nullif(s.last_trade_ts, 0)) AS last_trade_timestamp,
       to_timestamp(nullif(s.complete_to, 0)) AS complete_to,
       coalesce(s.duration_ms, 0)             AS sync_duration_ms,
       coalesce(s.error_count, 0)             AS error_count,
       s.last_error                           AS last_error
FROM wallet w
LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id;

-- One row. oldest_complete_to tells up to when every completed wallet is complete.
CREATE VIEW wallet_sync_progress AS
SELECT count(*)                                             AS wallets,
       count(*) FILTER (WHERE coalesce(s.status, 0) = 0)    AS pending,
       count(*) FILTER (WHERE s.status = 1)                 AS syncing,
       count(*) FILTER (WHERE s.status = 2)                 AS completed,
       count(*) FILTER (WHERE s.status = 3)                 AS failed,
       count(*) FILTER (WHERE s.quarantined)                AS quarantined,
       coalesce(sum(s.trades_stored), 0)::bigint            AS trades,
       to_timestamp(min(s.complete_to) FILTER (WHERE s.status = 2)) AS oldest_complete_to,
       coalesce(sum(s.error_count), 0)::bigint              AS errors
FROM wallet w
LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id;

-- The metrics that a `metrics` run computes are null until one has run. A whale has traded at least
-- 100,000 USD.
CREATE VIEW wallets AS
SELECT hex0x(w.address)                       AS wallet_address,
       w.first_seen_at                        AS first_seen_at,
       w.discovered_by                        AS discovered_by,
       coalesce(s.trades_stored, 0)           AS total_trades,
       (coalesce(s.volume, 0)::numeric / 1000000)::numeric(30, 6) AS total_volume_usd,
       NULL::numeric                          AS win_rate,
       NULL::numeric                          AS whale_score,
       NULL::numeric                          AS insider_score,
       coalesce(s.volume, 0) >= 100000000000  AS is_whale,
       to_timestamp(nullif(s.last_trade_ts, 0)) AS last_seen_at
FROM wallet w
LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id;

-- Reasons: new (never synced, seen within a day), never (never completed), failed, stale (completed
-- more than a day ago, or interrupted since). Quarantined wallets wait for `seine retry`. Smaller
-- priority comes first.
CREATE VIEW wallets_needing_sync AS
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
  CROSS JOIN LATERAL (SELECT CASE
      WHEN coalesce(s.status, 0) = 0 AND w.first_seen_at > now() - interval '1 day' THEN 'new'
      WHEN s.status = 3 THEN 'failed'
      WHEN s.last_synced_at IS NULL THEN 'never'
      WHEN s.status <> 2 OR s.last_synced_at < now() - interval '1 day' THEN 'stale' END AS reason) r
  WHERE r.reason IS NOT NULL AND NOT coalesce(s.quarantined, false)
) due
ORDER BY priority, last_synced_at NULLS FIRST, wallet_id;

CREATE VIEW markets AS
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
       m.updated_at          AS updated_at
FROM market m
LEFT JOIN event e ON e.event_key = m.event_key;

CREATE VIEW events AS
SELECT gamma_id AS event_id, slug, title, category, tags, neg_risk, closed, updated_at
FROM event;

CREATE VIEW sync_runs AS
SELECT r.run_id      AS run,
       r.kind        AS kind,
       r.started_at  AS started,
       r.finished_at AS finished,
       (SELECT coalesce(sum(cardinality(c.wallets)), 0) FROM chunk c
         WHERE c.run_id = r.run_id AND c.state = 'done' AND c.round = 0) AS wallets_processed,
       r.trades      AS trades_fetched,
       r.markets_fetched AS markets_fetched,
       r.events_fetched  AS events_fetched,
       coalesce(r.finished_at, now()) - r.started_at AS duration,
       r.outcome     AS outcome
FROM run r;
