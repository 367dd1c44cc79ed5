"""The payment sandbox: a process that speaks Stripe's HTTP API over a durable ledger of its own."""
