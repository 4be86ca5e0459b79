-- p0 = 5120000511
-- p1 = 1704067199999999
-- p2 = ['A', 'B']
-- p3 = [8, 12]
-- p4 = 1
-- p5 = 1704067200000000
-- p6 = 1735689599000000
-- p7 = 31622389000001
-- p8 = 25
WITH
  entering AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}) AS t,
      toUInt64(0) AS exclusions,
      transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(0)) AS steps,
      toString(e.properties.`plan`) AS value
    FROM events AS e
    WHERE
      e.team_id = {p4:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p6:Int64}, 'UTC') AND
      (e.event IN {p2:Array(String)})
  ),
  packed AS (
    SELECT actor, value, bitShiftLeft(t, 9) + steps + exclusions AS x
    FROM entering
  ),
  arrays AS (
    SELECT
      actor,
      substring(minIf(concat(reinterpretAsFixedString(byteSwap(toUInt64(bitShiftRight(x, 9)))), value), value != ''), 9) AS value,
      arraySort(groupArray(x)) AS a
    FROM packed
    GROUP BY actor
  ),
  begun AS (
    SELECT
      actor,
      value,
      a,
      arrayMap(x -> if(bitAnd(x, 508) = 8, bitAnd(x, 18446744073709551104) + 8, 0), a) AS taken
    FROM arrays
  ),
  at_step_1 AS (
    SELECT
      actor,
      value,
      arrayFirst(f -> f > 0, taken) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND bitAnd(x, 508) > bitAnd(f, 508), arrayZip(a, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken)))), a, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken)))) AS waiting
    FROM begun
  ),
  taken_2 AS (
    SELECT
      *,
      waiting.1 AS events_2,
      arrayMap((x, f) -> if(bitAnd(x - f, 508) = 4 AND x - f <= {p0:UInt64}, f + 4, 0), waiting.1, waiting.2) AS taken_2
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
      value,
      arrayMap(x -> bitShiftRight(x, 9), arraySlice([start, events_2[at_2]], 1, depth)) AS times
    FROM path
    WHERE notEmpty(times)
  ),
  steps_taken AS (
    SELECT
      value,
      arrayJoin(arrayZip(arraySlice([1, 2, 0]::Array(UInt32), 1, length(if(length(times) = 2, arrayPushBack(arrayDifference(times), toInt64(times[2] - times[1])), arrayDifference(times)))), if(length(times) = 2, arrayPushBack(arrayDifference(times), toInt64(times[2] - times[1])), arrayDifference(times)))) AS z,
      z.1 AS step,
      z.2 AS us,
      length(times) = z.1 AND times[1] > {p7:UInt64} AS open
    FROM paths
  ),
  counted AS (
    SELECT
      value,
      step,
      count() AS c,
      sum(toInt128(us)) AS took,
      countIf(us > 0) AS timed,
      quantileExactInclusiveStateIf(0.5)(us, us > 0 OR step = 0) AS state,
      countIf(open) AS still
    FROM steps_taken
    GROUP BY value, step
  ),
  beside_counts AS (
    SELECT
      *,
      sumIf(c, step = 1) OVER (PARTITION BY value) AS count_1,
      sumIf(c, step = 2) OVER (PARTITION BY value) AS count_2
    FROM counted
  ),
  placed AS (
    SELECT
      *,
      dense_rank() OVER (ORDER BY count_1 DESC, count_2 DESC, value) AS rank,
      multiIf(step = 0, 0, rank <= {p8:UInt64}, rank, {p8:UInt64} + 1) AS place
    FROM beside_counts
  )
SELECT
  any(value) AS value,
  place > {p8:UInt64} AS other,
  place,
  step,
  sum(c) AS count,
  if(sum(timed) = 0, NULL, (toInt64(intDiv(sum(took), greatest(sum(timed), 1))) + toInt64(sum(took) % greatest(sum(timed), 1)) / greatest(sum(timed), 1)) / 1000000) AS average,
  ifNotFinite(quantileExactInclusiveMerge(0.5)(state) / 1000000, NULL) AS median,
  sum(still) AS open
FROM placed
GROUP BY place, step
ORDER BY place, step
