-- p0 = 1706745600000000
-- p1 = 1
-- p2 = 1707695999999999
-- p3 = $pageview
-- p4 = 1
WITH
  counting AS (
    SELECT
      e.person_id AS actor,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p0:Int64}, 3600000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p1:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p0:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      (e.event = {p3:String})
  ),
  folded AS (
    SELECT actor, arraySort(groupArray(toUInt16(i))) AS a
    FROM counting
    GROUP BY actor
  ),
  counted AS (
    SELECT
      actor,
      arrayPopFront(arrayDifference(arrayPushBack(arrayFilter((k, x, before) -> x != before, arrayEnumerate(a), a, arrayShiftRight(a, 1, 65535)), length(a) + 1))) AS counts
    FROM folded
  ),
  numbers AS (
    SELECT
      actor,
      arraySum(c -> if(c >= {p4:UInt64}, c, 0), counts) AS events,
      arrayCount(c -> c >= {p4:UInt64}, counts) AS number
    FROM counted
  )
SELECT number, 0 AS side, 0 AS place, count() AS actors
FROM numbers
WHERE number > 0
GROUP BY number
