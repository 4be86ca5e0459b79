-- p0 = 1
-- p1 = $pageview
-- p2 = 1706745600000000
-- p3 = 1707004799999999
WITH
  counting AS (
    SELECT
      e.person_id AS actor,
      e.timestamp AS at,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p2:Int64}, 86400000000) AS i,
      e.uuid AS uuid
    FROM events AS e
    WHERE
      e.team_id = {p0:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p1:String})
  ),
  firsts AS (
    SELECT uuid, i, min(i) OVER (PARTITION BY actor) AS first
    FROM counting
  )
SELECT uuid
FROM firsts
WHERE i = {p0:Int64} AND first = {p0:Int64}
