# The index of everything a person types; the work is in scripts/.
.DEFAULT_GOAL := help
.PHONY: up down status logs demo catalogue test e2e test-faults test-rolling bench lint fmt lock clean help \
	image compose-up compose-down e2e-compose

up: ## start everything and wait until it is ready (GATEWAY_PORT=8080)
	@scripts/up

down: ## stop everything; the data stays
	@scripts/down

status: ## show each process, where it listens and whether it is ready
	@scripts/status

logs: ## follow the logs, of one service with SERVICE=orders
	@scripts/logs $(SERVICE)

demo: ## walk a shopper's journey through the running stack
	@scripts/demo

catalogue: ## load products from a CSV file, all or none: FILE=products.csv
	@scripts/catalogue "$(FILE)"

test: ## run lint and all tests, or those of one project with SERVICE=orders
	@scripts/test $(SERVICE)

e2e: ## run the journeys against the running stack, or any GATEWAY_URL
	@scripts/e2e

test-faults: ## break stacks of their own in every way; SEED=1 repeats a run (about 25 minutes)
	@scripts/test-faults

test-rolling: ## restart, upgrade and scale everything under load: 0 of 100,000 requests may fail (about 15 minutes)
	@scripts/test-rolling

image: ## build the image of each service, or of one with SERVICE=orders
	@scripts/image $(SERVICE)

compose-up: ## start everything in containers and wait until it is ready (GATEWAY_PORT=8080)
	@scripts/compose up

compose-down: ## stop the containers; the data stays
	@scripts/compose down

e2e-compose: ## run the journeys against containers of their own, and remove those
	@scripts/compose e2e

bench: ## measure it against the obvious ways to build it (15 minutes); scripts/bench gateway measures a part
	@scripts/bench

lint: ## check style and imports
	@scripts/lint $(SERVICE)

fmt: ## bring the code into the one format
	@scripts/fmt $(SERVICE)

lock: ## compile the requirements again; UPGRADE=1 takes newer versions
	@scripts/lock $(SERVICE)

clean: ## stop everything and remove all that was made: data, logs, environments
	@scripts/clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
