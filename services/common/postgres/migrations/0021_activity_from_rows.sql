-- The activity log remembers an insight as its row now, not in a shape of its own, so it is folded
-- from the log once more. Until then its readers are told that it is behind.
DELETE FROM activity;
DELETE FROM activity_subjects;
DELETE FROM parked_streams WHERE projection = 'activity';
UPDATE checkpoints SET position = 0, rebuilds = rebuilds + 1 WHERE projection = 'activity';
