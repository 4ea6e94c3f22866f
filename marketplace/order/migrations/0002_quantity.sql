-- What a payment is for: an order may not ask for more than was paid.
ALTER TABLE intents ADD COLUMN quantity BIGINT NOT NULL DEFAULT 1;
