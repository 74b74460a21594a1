-- A market may have tokens of both eras, two for each outcome: token_ids names those of the first,
-- in the order of its outcomes.
CREATE OR REPLACE VIEW api_markets_staging AS
SELECT m.gamma_id             AS market_id,
       hex0x(m.condition_id)  AS condition_id,
       hex0x(m.question_id)   AS question_id,
       m.slug                 AS slug,
       m.question             AS question,
       coalesce(m.category, e.category) AS category,
       m.tags                 AS tags,
       m.outcomes             AS outcomes,
       (SELECT array_agg(k.token_id ORDER BY k.outcome_index) FROM token k
         WHERE k.condition_id = m.condition_id AND k.era = (
           SELECT min(x.era) FROM token x WHERE x.condition_id = m.condition_id)) AS token_ids,
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
