-- What has arrived for a project, and how lately: a kept result is current while nothing that it reads
-- has a mark of a later version than the result saw. Moved in the transaction of the batch that brings
-- the events. version: a stream sequence.
DROP TABLE event_watermarks;
DROP TABLE identity_watermarks;

-- mark: of the name of an event, of a property of persons or groups, … (services/common/insights/results/marks.py).
-- Marks 0 to 255 stand for all that a project with very many names has no row for. latest: the newest
-- timestamp of the events of that name; it may lie in the future.
CREATE TABLE marks (
    team_id bigint NOT NULL,
    mark bigint NOT NULL,
    version bigint NOT NULL,
    latest timestamptz,
    PRIMARY KEY (team_id, mark)
) WITH (fillfactor = 50);

-- The same by the day of the events' timestamps, UTC, whatever their names.
CREATE TABLE day_marks (
    team_id bigint NOT NULL,
    day date NOT NULL,
    version bigint NOT NULL,
    latest timestamptz NOT NULL,
    PRIMARY KEY (team_id, day)
) WITH (fillfactor = 50);
