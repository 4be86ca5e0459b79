-- p0 = $pageview
-- p1 = UTC
-- p2 = 1
-- p3 = 1706227200000000
-- p4 = 1707004799999999
WITH
  counting AS (
    SELECT
      toString(e.properties.`$browser`) AS k0,
      toInt32(toDate32(e.timestamp, {p1:String})) - 19748 AS i,
      e.person_id AS actor
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      (e.event = {p0:String})
  ),
  told AS (
    SELECT * REPLACE (if(length(k0) > 400, substringUTF8(k0, 1, 400), k0) AS k0)
    FROM counting
  ),
  days AS (
    SELECT k0, actor, arraySort(groupUniqArray(toInt64(i))) AS a
    FROM told
    GROUP BY k0, actor
  ),
  edges AS (
    SELECT
      k0,
      arrayJoin(arrayConcat(arrayMap(d -> (d, 1), a), arrayMap((d, following) -> (least(d + 7, following), -1), a, arrayPushBack(arrayPopFront(a), 1099511627776)))) AS edge
    FROM days
  ),
  changes AS (
    SELECT k0, edge.1 AS i, edge.2 AS change
    FROM edges
  ),
  numbers AS (
    SELECT k0, i, sum(change) AS number
    FROM changes
    GROUP BY k0, i
  ),
  kept AS (
    SELECT k0, groupArray((i, number)) AS points
    FROM numbers
    GROUP BY k0
    ORDER BY k0 = '', sum(number * arrayCount(end -> end >= i, [6, 7, 8])) DESC, k0
    LIMIT 10000
  )
SELECT k0, point.1 AS i, point.2 AS number
FROM kept
ARRAY JOIN points AS point
