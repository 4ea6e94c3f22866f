-- Stores an event at the next position, under the lock whose number comes last, until the end of the transaction. Each
-- statement of a function sees what was committed when that statement began, so the position follows the last one.
CREATE FUNCTION store_event(
    event_id TEXT, event_type TEXT, event_source TEXT, event_subject TEXT, event_time TEXT, event_body TEXT,
    event_context TEXT, stored_at TEXT, lock BIGINT
) RETURNS VOID LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lock);
    INSERT INTO outbox (position, id, type, source, subject, time, body, context, created_at)
    VALUES (
        (SELECT COALESCE(MAX(position), 0) + 1 FROM outbox),
        event_id, event_type, event_source, event_subject, event_time, event_body, event_context, stored_at
    );
END
$$;
