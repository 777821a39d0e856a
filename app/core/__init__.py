"""What every room of the house stands on: the database session, who acts, errors, schemas, logs."""
