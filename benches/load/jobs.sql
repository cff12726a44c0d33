-- The jobs table of `refgate --backend pg`: columns and index as RudderStack's gateway makes them.
CREATE TABLE jobs (
  job_id BIGSERIAL PRIMARY KEY,
  workspace_id TEXT NOT NULL DEFAULT '',
  uuid UUID NOT NULL,
  user_id TEXT NOT NULL,
  partition_id TEXT NOT NULL DEFAULT '',
  parameters JSONB NOT NULL,
  custom_val VARCHAR(64) NOT NULL,
  event_payload JSONB NOT NULL,
  event_count INTEGER NOT NULL DEFAULT 1,
  created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  expire_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  consumers TEXT[] NOT NULL DEFAULT '{""}'
);
CREATE INDEX ON jobs (workspace_id);
