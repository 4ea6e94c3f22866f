-- How often an event came again after its effect. Kept here because the counters of a process end with it, and because
-- "every event had one effect" says little of events that came once.
ALTER TABLE inbox ADD COLUMN repeats BIGINT NOT NULL DEFAULT 0;
