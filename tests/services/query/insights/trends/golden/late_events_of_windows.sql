-- p0 = [1706832000000000, 1706918400000000, 1707004800000000]
-- p1 = $pageview
-- p2 = 1
-- p3 = 1706227200000000
-- p4 = 1707004799999999
-- p5 = [1706227200000000, 1706313600000000, 1706400000000000]
WITH
  counting AS (
    SELECT e.timestamp AS at, e.inserted_at AS arrived
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      (e.event = {p1:String})
  ),
  late AS (
    SELECT arrived, toUnixTimestamp64Micro(at) AS at_us, 1 AS place
    FROM counting
    WHERE arrived > at + toIntervalSecond(3600)
  ),
  of_windows AS (
    SELECT
      place,
      arrayJoin(arrayFilter((i, since, until, end) -> at_us >= since AND at_us < until AND toUnixTimestamp64Micro(arrived) > end + 3600000000, range(3), {p5:Array(Int64)}, {p0:Array(Int64)}, {p0:Array(Int64)})) AS i
    FROM late
  )
SELECT place, i, count() AS number
FROM of_windows
GROUP BY place, i
