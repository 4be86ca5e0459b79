-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
WITH
  counting AS (
    SELECT
      arrayFilter(id -> id >= 0, [toInt64(0)]) AS k0,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  ),
  by_value AS (
    SELECT k0, i, count() AS number
    FROM counting
    GROUP BY k0, i
  ),
  told AS (
    SELECT * REPLACE (arrayJoin(k0) AS k0)
    FROM by_value
  )
SELECT k0, i, sum(number) AS number
FROM told
GROUP BY k0, i
