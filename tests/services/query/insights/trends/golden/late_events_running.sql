-- p0 = [1706832000000000, 1706918400000000, 1707004800000000]
-- p1 = $pageview
-- p2 = 1706745600000000
-- p3 = 1
-- p4 = 1707004799999999
WITH
  counting AS (
    SELECT
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p2:Int64}, 86400000000) AS i,
      e.timestamp AS at,
      e.inserted_at AS arrived,
      e.person_id AS actor
    FROM events AS e
    WHERE
      e.team_id = {p3:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      (e.event = {p1:String})
  ),
  placed AS (
    SELECT
      actor,
      i,
      toUnixTimestamp64Micro(arrived) > arrayElement({p0:Array(Int64)}, i + 1) + 3600000000 AS late,
      1 AS place
    FROM counting
  ),
  periods AS (
    SELECT place, actor, i, countIf(late) AS number
    FROM placed
    GROUP BY place, actor, i
  ),
  firsts AS (
    SELECT place, actor, min(i) AS first, argMin(number, i) AS late
    FROM periods
    GROUP BY place, actor
  ),
  newly AS (
    SELECT place, late, first AS i
    FROM firsts
    WHERE late > 0
  )
SELECT place, i, sum(late) AS number
FROM newly
GROUP BY place, i
