-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
WITH
  counting AS (
    SELECT
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i,
      ifNotFinite(toFloat64OrNull(session_0.value), NULL) AS n,
      e.session_id AS session
    FROM events AS e
    LEFT ANY JOIN (SELECT t.session_id AS id, toString(toNullable(toFloat64(countIf(t.event = '$pageview')))) AS value FROM events AS t WHERE t.team_id = {p2:Int64} AND t.session_id != '' GROUP BY t.session_id) AS session_0 ON e.session_id = session_0.id
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  ),
  of_sessions AS (
    SELECT i, session, any(n) AS n
    FROM counting
    GROUP BY i, session
  )
SELECT i, ifNull(ifNotFinite(quantileExactInclusive(0.9)(n), 0), 0) AS number
FROM of_sessions
GROUP BY i
