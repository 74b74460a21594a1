// The statements that put events, markets, tokens and outcomes into their tables.
//
// Included by market_tables.cpp alone.
#pragma once

namespace worker::store {

// Keys of rows that exist are given, not drawn: a refresh that changes nothing must not use up the
// numbers of a column.
inline constexpr char kEvents[] = R"sql(
INSERT INTO event AS e (event_key, gamma_id, slug, title, category, tags, neg_risk, closed,
                        neg_risk_market_id, volume, created_at, start_date, end_date, closed_time,
                        gamma_updated_at)
SELECT coalesce((SELECT o.event_key FROM event o WHERE o.gamma_id = n.id),
                nextval(pg_get_serial_sequence('event', 'event_key'))),
       n.id, nullif(n.slug, ''), nullif(n.title, ''), nullif(n.category, ''), n.tags, n.neg_risk,
       n.closed, decode(n.group_id, 'hex'), n.volume, n.created_at, n.start_date, n.end_date,
       n.closed_time, n.gamma_updated_at
FROM jsonb_to_recordset($1::jsonb) AS n(id text, slug text, title text, category text, tags text[],
       neg_risk boolean, closed boolean, group_id text, volume numeric, created_at timestamptz,
       start_date timestamptz, end_date timestamptz, closed_time timestamptz,
       gamma_updated_at timestamptz)
ORDER BY n.id
ON CONFLICT (gamma_id) DO UPDATE SET
  slug = coalesce(EXCLUDED.slug, e.slug), title = coalesce(EXCLUDED.title, e.title),
  category = coalesce(EXCLUDED.category, e.category),
  tags = CASE WHEN EXCLUDED.tags = '{}' THEN e.tags ELSE EXCLUDED.tags END,
  neg_risk = coalesce(EXCLUDED.neg_risk, e.neg_risk),
  closed = coalesce(EXCLUDED.closed, e.closed),
  neg_risk_market_id = coalesce(EXCLUDED.neg_risk_market_id, e.neg_risk_market_id),
  volume = coalesce(EXCLUDED.volume, e.volume),
  created_at = coalesce(EXCLUDED.created_at, e.created_at),
  start_date = coalesce(EXCLUDED.start_date, e.start_date),
  end_date = coalesce(EXCLUDED.end_date, e.end_date),
  closed_time = coalesce(EXCLUDED.closed_time, e.closed_time),
  gamma_updated_at = coalesce(EXCLUDED.gamma_updated_at, e.gamma_updated_at), updated_at = now()
WHERE (e.slug, e.title, e.category, e.tags, e.neg_risk, e.closed, e.neg_risk_market_id, e.volume,
       e.created_at, e.start_date, e.end_date, e.closed_time, e.gamma_updated_at)
  IS DISTINCT FROM
      (coalesce(EXCLUDED.slug, e.slug), coalesce(EXCLUDED.title, e.title),
       coalesce(EXCLUDED.category, e.category),
       CASE WHEN EXCLUDED.tags = '{}' THEN e.tags ELSE EXCLUDED.tags END,
       coalesce(EXCLUDED.neg_risk, e.neg_risk), coalesce(EXCLUDED.closed, e.closed),
       coalesce(EXCLUDED.neg_risk_market_id, e.neg_risk_market_id),
       coalesce(EXCLUDED.volume, e.volume), coalesce(EXCLUDED.created_at, e.created_at),
       coalesce(EXCLUDED.start_date, e.start_date), coalesce(EXCLUDED.end_date, e.end_date),
       coalesce(EXCLUDED.closed_time, e.closed_time),
       coalesce(EXCLUDED.gamma_updated_at, e.gamma_updated_at))
)sql";

// A market whose category is weak, $2, keeps the one that it has.
inline constexpr char kMarkets[] = R"sql(
INSERT INTO market AS m (market_key, condition_id, gamma_id, event_key, slug, question, category,
                         tags, outcomes, neg_risk, closed, end_date, question_id,
                         neg_risk_market_id, group_title, gamma_version, volume, created_at,
                         start_date, closed_time, gamma_updated_at)
SELECT coalesce((SELECT o.market_key FROM market o
                 WHERE o.condition_id = decode(n.condition, 'hex')),
                nextval(pg_get_serial_sequence('market', 'market_key'))),
       decode(n.condition, 'hex'), nullif(n.gamma_id, ''), e.event_key, nullif(n.slug, ''),
       nullif(n.question, ''), nullif(n.category, ''), n.tags, n.outcomes, n.neg_risk, n.closed,
       n.end_date, decode(n.question_id, 'hex'), decode(n.group_id, 'hex'),
       nullif(n.group_title, ''), nullif(n.version, ''), n.volume, n.created_at, n.start_date,
       n.closed_time, n.gamma_updated_at
FROM jsonb_to_recordset($1::jsonb) AS n(condition text, gamma_id text, event text, slug text,
       question text, category text, tags text[], outcomes text[], neg_risk boolean,
       closed boolean, end_date timestamptz, question_id text, group_id text, group_title text,
       version text, volume numeric, created_at timestamptz, start_date timestamptz,
       closed_time timestamptz, gamma_updated_at timestamptz)
LEFT JOIN event e ON e.gamma_id = n.event
ORDER BY n.condition
ON CONFLICT (condition_id) DO UPDATE SET
  gamma_id = coalesce(EXCLUDED.gamma_id, m.gamma_id),
  event_key = coalesce(EXCLUDED.event_key, m.event_key),
  slug = coalesce(EXCLUDED.slug, m.slug), question = coalesce(EXCLUDED.question, m.question),
  category = CASE WHEN m.condition_id = ANY ($2) THEN coalesce(m.category, EXCLUDED.category)
                  ELSE coalesce(EXCLUDED.category, m.category) END,
  tags = CASE WHEN EXCLUDED.tags = '{}' THEN m.tags ELSE EXCLUDED.tags END,
  outcomes = CASE WHEN EXCLUDED.outcomes = '{}' THEN m.outcomes ELSE EXCLUDED.outcomes END,
  neg_risk = coalesce(EXCLUDED.neg_risk, m.neg_risk),
  closed = coalesce(EXCLUDED.closed, m.closed),
  end_date = coalesce(EXCLUDED.end_date, m.end_date),
  question_id = coalesce(EXCLUDED.question_id, m.question_id),
  neg_risk_market_id = coalesce(EXCLUDED.neg_risk_market_id, m.neg_risk_market_id),
  group_title = coalesce(EXCLUDED.group_title, m.group_title),
  gamma_version = coalesce(EXCLUDED.gamma_version, m.gamma_version),
  volume = coalesce(EXCLUDED.volume, m.volume),
  created_at = coalesce(EXCLUDED.created_at, m.created_at),
  start_date = coalesce(EXCLUDED.start_date, m.start_date),
  closed_time = coalesce(EXCLUDED.closed_time, m.closed_time),
  gamma_updated_at = coalesce(EXCLUDED.gamma_updated_at, m.gamma_updated_at), updated_at = now()
WHERE (m.gamma_id, m.event_key, m.slug, m.question, m.category, m.tags, m.outcomes, m.neg_risk,
       m.closed, m.end_date, m.question_id, m.neg_risk_market_id, m.group_title, m.gamma_version,
       m.volume, m.created_at, m.start_date, m.closed_time, m.gamma_updated_at)
  IS DISTINCT FROM
      (coalesce(EXCLUDED.gamma_id, m.gamma_id), coalesce(EXCLUDED.event_key, m.event_key),
       coalesce(EXCLUDED.slug, m.slug), coalesce(EXCLUDED.question, m.question),
       CASE WHEN m.condition_id = ANY ($2) THEN coalesce(m.category, EXCLUDED.category)
            ELSE coalesce(EXCLUDED.category, m.category) END,
       CASE WHEN EXCLUDED.tags = '{}' THEN m.tags ELSE EXCLUDED.tags END,
       CASE WHEN EXCLUDED.outcomes = '{}' THEN m.outcomes ELSE EXCLUDED.outcomes END,
       coalesce(EXCLUDED.neg_risk, m.neg_risk), coalesce(EXCLUDED.closed, m.closed),
       coalesce(EXCLUDED.end_date, m.end_date), coalesce(EXCLUDED.question_id, m.question_id),
       coalesce(EXCLUDED.neg_risk_market_id, m.neg_risk_market_id),
       coalesce(EXCLUDED.group_title, m.group_title),
       coalesce(EXCLUDED.gamma_version, m.gamma_version), coalesce(EXCLUDED.volume, m.volume),
       coalesce(EXCLUDED.created_at, m.created_at), coalesce(EXCLUDED.start_date, m.start_date),
       coalesce(EXCLUDED.closed_time, m.closed_time),
       coalesce(EXCLUDED.gamma_updated_at, m.gamma_updated_at))
)sql";

inline constexpr char kTokens[] = R"sql(
INSERT INTO token AS t (token_key, token, token_id, condition_id, outcome, outcome_index,
                        resolve_state, era)
SELECT coalesce((SELECT o.token_key FROM token o WHERE o.token = n.token),
                nextval(pg_get_serial_sequence('token', 'token_key'))),
       n.token, n.token_id, n.condition_id, nullif(n.outcome, ''), n.outcome_index, 1, n.era
FROM unnest($1, $2, $3, $4, $5, $6)
  AS n(token, token_id, condition_id, outcome, outcome_index, era)
ON CONFLICT (token) DO UPDATE SET
  condition_id = EXCLUDED.condition_id, outcome = coalesce(EXCLUDED.outcome, t.outcome),
  outcome_index = EXCLUDED.outcome_index, resolve_state = 1, era = EXCLUDED.era
WHERE t.resolve_state <> 1
   OR (t.condition_id, t.outcome, t.outcome_index, t.era) IS DISTINCT FROM
      (EXCLUDED.condition_id, coalesce(EXCLUDED.outcome, t.outcome), EXCLUDED.outcome_index,
       EXCLUDED.era)
)sql";

// Payouts that come with their tokens are put where the market has these tokens; where it has
// others, or more outcomes, they say nothing. Tells which those are.
inline constexpr char kResolutions[] = R"sql(
WITH told AS MATERIALIZED (
  SELECT decode(r.condition, 'hex') AS condition_id, r.payouts, r.tokens, r.source, r.at
  FROM jsonb_to_recordset($1::jsonb) AS r(condition text, payouts numeric[], tokens text[],
                                          source smallint, at timestamptz)),
n AS MATERIALIZED (
  SELECT m.market_key, m.condition_id, CASE WHEN t.tokens = '{}' THEN t.payouts ELSE p.payouts END
           AS payouts, t.source, t.at,
         t.tokens = '{}' OR (p.places = ARRAY(SELECT generate_series(0, cardinality(t.tokens) - 1))
           AND cardinality(m.outcomes) IN (0, cardinality(t.tokens))) AS fits
  FROM told t JOIN market m ON m.condition_id = t.condition_id
  CROSS JOIN LATERAL (
    SELECT array_agg(u.payout ORDER BY k.outcome_index) AS payouts,
           array_agg(k.outcome_index::integer ORDER BY k.outcome_index) AS places
    FROM unnest(t.tokens, t.payouts) AS u(token_id, payout)
    JOIN token k ON k.token_id = u.token_id AND k.condition_id = t.condition_id) p),
locked AS MATERIALIZED (
  SELECT m.market_key, n.payouts, n.source, n.at
  FROM n JOIN market m ON m.market_key = n.market_key
  WHERE n.fits
    AND (m.resolution_source IS NULL OR m.resolution_source > n.source
         OR (m.resolution_source = n.source
             AND (m.payouts, m.resolved_at)
                 IS DISTINCT FROM (n.payouts, coalesce(n.at, m.resolved_at))))
  ORDER BY m.condition_id FOR UPDATE OF m),
written AS (
  UPDATE market m SET resolved = true, payouts = l.payouts, resolution_source = l.source,
    resolved_at = coalesce(l.at, m.resolved_at), updated_at = now()
  FROM locked l WHERE m.market_key = l.market_key)
SELECT hex0x(condition_id) FROM n WHERE fits IS NOT TRUE
)sql";

}  // namespace worker::store
