-- The names users know (docs/operations.md lists the columns). Addresses and hashes are lower-case 0x text, amounts whole units.

CREATE FUNCTION hex0x(b bytea) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN '0x' || encode(b, 'hex');

CREATE VIEW trades_raw AS
SELECT encode(t.tx_hash, 'hex') || '-' || t.wallet_id || '-' || to_hex(t.event_key) AS trade_id,
       hex0x(w.address)       AS wallet_address,
       k.token_id             AS token_id,
       hex0x(k.condition_id)  AS condition_id,
       m.gamma_id             AS market_id,
       e.slug                 AS event_slug,
       coalesce(m.category, e.category) AS category,
       k.outcome              AS outcome,
       k.outcome_index        AS outcome_index,
       CASE t.side WHEN '0' THEN 'BUY' ELSE 'SELL' END AS side,
       round(t.usdc::numeric / nullif(t.size, 0), 6) AS price,
       (t.size::numeric / 1000000)::numeric(30, 6)   AS size,
       (t.usdc::numeric / 1000000)::numeric(30, 6)   AS usdc_amount,
       (t.fee::numeric / 1000000)::numeric(30, 6)    AS fee,
       CASE t.role WHEN '1' THEN 'maker' WHEN '2' THEN 'taker' END AS role,
       hex0x(t.tx_hash)       AS transaction_hash,
       t.log_index            AS log_index,
       to_timestamp(t.ts)     AS traded_at,
       CASE t.exchange_version WHEN '1' THEN 'V1' WHEN '2' THEN 'V2' END AS exchange_version,
       CASE t.source WHEN '1' THEN 'subgraph' WHEN '2' THEN 'data-api' WHEN '3' THEN 'rpc' WHEN '4' THEN 'dome' END AS source
FROM trade t
JOIN wallet w ON w.wallet_id = t.wallet_id
JOIN token k ON k.token_key = t.token_key
LEFT JOIN market m ON m.condition_id = k.condition_id
LEFT JOIN event e ON e.event_key = m.event_key;
