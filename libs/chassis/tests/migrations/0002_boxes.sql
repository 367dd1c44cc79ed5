CREATE TABLE boxes (
    id   uuid    NOT NULL,
    step integer NOT NULL,
    CONSTRAINT boxes_pk PRIMARY KEY (id),
    CONSTRAINT boxes_step_ck CHECK (step BETWEEN 1 AND 1000000)
);

CREATE TABLE notes (
    position bigint  GENERATED ALWAYS AS IDENTITY,
    event_id uuid    NOT NULL,
    box      uuid    NOT NULL,
    step     integer NOT NULL,
    CONSTRAINT notes_pk PRIMARY KEY (position),
    CONSTRAINT notes_event_id_uq UNIQUE (event_id)
);

GRANT SELECT, INSERT, UPDATE ON boxes TO boxes_runtime;
GRANT SELECT, INSERT ON notes TO boxes_runtime;
