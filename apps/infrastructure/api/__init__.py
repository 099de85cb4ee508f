"""What every REST interface shares: strict input, one error shape, idempotency, paging."""
