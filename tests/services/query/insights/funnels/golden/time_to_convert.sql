-- p0 = 5120000511
-- p1 = 1704067199999999
-- p2 = ['A', 'B', 'C']
-- p3 = [8, 12, 16]
-- p4 = 1
-- p5 = 1704067200000000
-- p6 = 1735689599000000
-- p7 = 0
WITH
  entering AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}) AS t,
      toUInt64(0) AS exclusions,
      transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(0)) AS steps
    FROM events AS e
    WHERE
      e.team_id = {p4:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p6:Int64}, 'UTC') AND
      (e.event IN {p2:Array(String)})
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
  taken_3 AS (
    SELECT
      *,
      waiting.1 AS events_3,
      arrayMap((x, f) -> if(bitAnd(x - f, 508) = 4 AND x - f <= {p0:UInt64}, f + 4, 0), waiting.1, waiting.2) AS taken_3
    FROM at_step_2
  ),
  at_step_3 AS (
    SELECT * REPLACE (
      if(arrayFirst(f -> f > 0, taken_3) > 0, arrayFirst(f -> f > 0, taken_3), deepest) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND bitAnd(x, 508) > bitAnd(f, 508), arrayZip(events_3, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_3)))), events_3, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_3)))) AS waiting
    )
    FROM taken_3
  ),
  reported AS (
    SELECT
      *,
      toUInt8(if(deepest > 0, bitShiftRight(bitAnd(deepest, 508), 2) - 1, 0)) AS depth,
      bitAnd(deepest, 18446744073709551104) AS start
    FROM at_step_3
  ),
  path AS (
    SELECT *, indexOf(taken_2, start + 12) AS at_2, indexOf(taken_3, start + 16) AS at_3
    FROM reported
  ),
  paths AS (
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 9), arraySlice([start, events_2[at_2], events_3[at_3]], 1, depth)) AS times
    FROM path
    WHERE notEmpty(times)
  ),
  samples AS (
    SELECT 0 AS side, toInt64(times[3] - times[1]) AS d
    FROM paths
    WHERE times[1] > 0 AND times[3] > 0
  ),
  measured AS (
    SELECT
      count() AS n,
      intDiv(min(d), 1000000) AS low,
      intDiv(max(d) + 999999, 1000000) AS high,
      [if(countIf(side = 0) = 0, NULL, (toInt64(intDiv(sumIf(toInt128(d), side = 0), greatest(countIf(side = 0), 1))) + toInt64(sumIf(toInt128(d), side = 0) % greatest(countIf(side = 0), 1)) / greatest(countIf(side = 0), 1)) / 1000000)] AS averages,
      [quantileExactInclusiveIf(0.5)(d, side = 0) / 1000000] AS medians,
      groupArray((side, d)) AS sample
    FROM samples
    HAVING n > 0
  ),
  bins AS (
    SELECT
      *,
      least(toInt64(round(cbrt(n))) + (toInt64(round(cbrt(n))) * toInt64(round(cbrt(n))) * toInt64(round(cbrt(n))) < n), 60) AS bins
    FROM measured
  ),
  widths AS (
    SELECT *, intDiv(high - low + bins - 1, bins) AS widths
    FROM bins
  ),
  binned AS (
    SELECT
      low,
      bins,
      averages,
      medians,
      if(widths = 0, 60, widths) AS width,
      arrayJoin(sample) AS s,
      s.1 AS side,
      intDiv(s.2 - low * 1000000, width * 1000000) AS bin
    FROM widths
  )
SELECT
  side,
  bin,
  count() AS actors,
  low,
  width,
  bins,
  any(averages[side + 1]) AS average,
  any(medians[side + 1]) AS median
FROM binned
GROUP BY side, bin, low, width, bins
ORDER BY side, bin
