-- Orders whose money is still to be given back; few, and looked at every few seconds.
CREATE INDEX orders_refund_owed_ix ON orders (updated_at) WHERE status = 'CANCELLED' AND payment_id IS NOT NULL;
