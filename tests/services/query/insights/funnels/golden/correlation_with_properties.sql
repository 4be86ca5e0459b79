-- p0 = []
-- p1 = 'plan'
-- p2 = 5120000511
-- p3 = 1704067199999999
-- p4 = ['A', 'B']
-- p5 = [8, 12]
-- p6 = 1
-- p7 = 1704067200000000
-- p8 = 1735689599000000
-- p9 = 10
WITH
  entering AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p3:Int64}) AS t,
      toUInt64(0) AS exclusions,
      transform(e.event, {p4:Array(String)}, {p5:Array(UInt64)}, toUInt64(0)) AS steps
    FROM events AS e
    WHERE
      e.team_id = {p6:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p7:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p8:Int64}, 'UTC') AND
      (e.event IN {p4:Array(String)})
  ),
  packed AS (
    SELECT actor, bitShiftLeft(t, 9) + steps + exclusions AS x
    FROM entering
  ),
  arrays AS (
    SELECT actor, arraySort(groupArray(x)) AS a
    FROM packed
    GROUP BY actor
  ),
  begun AS (
    SELECT
      actor,
      a,
      arrayMap(x -> if(bitAnd(x, 508) = 8, bitAnd(x, 18446744073709551104) + 8, 0), a) AS taken
    FROM arrays
  ),
  at_step_1 AS (
    SELECT
      actor,
      arrayFirst(f -> f > 0, taken) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND bitAnd(x, 508) > bitAnd(f, 508), arrayZip(a, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken)))), a, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken)))) AS waiting
    FROM begun
  ),
  taken_2 AS (
    SELECT
      *,
      waiting.1 AS events_2,
      arrayMap((x, f) -> if(bitAnd(x - f, 508) = 4 AND x - f <= {p2:UInt64}, f + 4, 0), waiting.1, waiting.2) AS taken_2
    FROM at_step_1
  ),
  at_step_2 AS (
    SELECT * REPLACE (
      if(arrayFirst(f -> f > 0, taken_2) > 0, arrayFirst(f -> f > 0, taken_2), deepest) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND bitAnd(x, 508) > bitAnd(f, 508), arrayZip(events_2, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_2)))), events_2, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_2)))) AS waiting
    )
    FROM taken_2
  ),
  reported AS (
    SELECT
      *,
      toUInt8(if(deepest > 0, bitShiftRight(bitAnd(deepest, 508), 2) - 1, 0)) AS depth,
      bitAnd(deepest, 18446744073709551104) AS start
    FROM at_step_2
  ),
  path AS (
    SELECT *, indexOf(taken_2, start + 12) AS at_2
    FROM reported
  ),
  paths AS (
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 9), arraySlice([start, events_2[at_2]], 1, depth)) AS times
    FROM path
    WHERE notEmpty(times)
  ),
  ends AS (
    SELECT
      actor,
      times,
      times[2] > 0 AS converted,
      times[1] AS since,
      if(converted, times[2], times[1] + 10000000) AS until
    FROM paths
  ),
  records AS (
    SELECT t.person_id AS id, t.sent AS sent
    FROM persons AS t FINAL
    WHERE t.team_id = {p6:Int64} AND NOT t.deleted
  ),
  named AS (
    SELECT
      p.converted AS converted,
      [[{p1:String}, multiIf(JSONExtractRaw(r.sent, {p1:String}) = 'null', '', startsWith(JSONExtractRaw(r.sent, {p1:String}), '"'), JSONExtractString(JSONExtractRaw(r.sent, {p1:String})), JSONExtractRaw(r.sent, {p1:String}))]]::Array(Array(String)) AS names
    FROM ends AS p
    LEFT ANY JOIN records AS r ON p.actor = r.id
  ),
  parts AS (
    SELECT converted, arrayJoin(arrayPushFront(names, [])) AS parts
    FROM named
  ),
  counted AS (
    SELECT parts, toInt128(countIf(converted)) AS s, toInt128(countIf(NOT converted)) AS f
    FROM parts
    GROUP BY parts
  ),
  totals AS (
    SELECT *, sumIf(s, empty(parts)) OVER () AS ss, sumIf(f, empty(parts)) OVER () AS ff
    FROM counted
  ),
  odds AS (
    SELECT
      *,
      ((s + 1) * (ff - f + 1)) / ((ss - s + 1) * (f + 1)) AS odds,
      multiIf(empty(parts), 0, ((s + 1) * (ff - f + 1)) > ((ss - s + 1) * (f + 1)), 1, 2) AS side
    FROM totals
    WHERE (empty(parts) OR ((s + f >= 25 OR (s + f) * 50 >= ss + ff)))
  )
SELECT parts, s AS success, f AS failure
FROM odds
ORDER BY side, if(side = 1, -odds, odds), arrayStringConcat(parts, '::')
LIMIT {p9:UInt64} BY side
