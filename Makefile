# All tasks of this checkout. Each target prepares what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-mariadb test-long test-matrix test-galera test-restarts test-deliveries test-notifications test-install test-versions test-metrics bench bench-full bench-pages bench-readiness screenshots fuzz lint release clean

PYTHON := .venv/bin/python

help:          ## this list
	@sed -n 's/^\([a-z-]*\): .*## /make \1|/p' $(firstword $(MAKEFILE_LIST)) | \
	while IFS='|' read -r target what; do printf '%-22s%s\n' "$$target" "$$what"; done

setup:         ## create the virtual environment and install what the service needs
	bin/setup

demo:          ## allocate 20 machines for a class on a demo site, over XML-RPC, and play the class's morning
	bin/demo

serve:         ## run the demo site, where computers load, at http://127.0.0.1:8000/admin/ until Ctrl-C
	bin/serve

test:          ## style, types, all tests on SQLite, all tests on MariaDB
	bin/setup --tests
	$(MAKE) --no-print-directory lint
	bin/test

test-mariadb:  ## all tests on a MariaDB server that is started for them
	bin/setup --tests
	$(PYTHON) -m pytest --mariadb

test-long:     ## the campaigns in full: kills at every statement, allocations by the thousand, random properties, races (some hours)
	bin/setup --tests
	$(PYTHON) -m verification.kills --kill process
	$(PYTHON) -m verification.kills --kill process --database sqlite
	VCL_RELOAD_POLICY=vcl $(PYTHON) -m verification.kills --kill process --what calls
	$(PYTHON) -m verification.kills --kill server --during 20
	$(PYTHON) -m verification.allocations --database mariadb --calls 10100
	$(PYTHON) -m verification.allocations --database sqlite --calls 2000
	$(PYTHON) -m verification.keepers --seconds 600
	HYPOTHESIS_PROFILE=long $(PYTHON) -m pytest -m hypothesis
	$(PYTHON) -m verification.front_end --mariadb --interleavings all --random 5000 --free-seconds 60
	$(PYTHON) -m verification.random_days --days 2000
	$(PYTHON) -m verification.random_days --mariadb --days 200
	$(PYTHON) -m verification.random_days --keep-ready --days 300
	$(PYTHON) -m verification.random_days --keep-ready --mariadb --days 50
	$(PYTHON) -m verification.forecasts --days 500
	$(PYTHON) -m verification.forecasts --mariadb --days 50

test-matrix:   ## all tests on SQLite with the oldest and the newest Python, and with newer Djangos (half an hour)
	bin/setup --tests
	bin/test-matrix

test-galera:   ## tests that need a cluster: three Galera nodes on this machine, one is killed and comes back
	bin/setup --galera
	$(PYTHON) -m pytest --galera verification/galera
	$(PYTHON) -m verification.allocations --database galera --calls 2000

test-restarts: ## 500 calls through nginx while the service restarts, is replaced and dies, five times (three minutes)
	bin/setup --tests
	$(PYTHON) -m verification.restarts

test-deliveries: ## five senders of notifications, of which some are killed, and a mail server that dies (a quarter of an hour)
	bin/setup --tests
	$(PYTHON) -m verification.deliveries --mariadb
	$(PYTHON) -m verification.deliveries

test-versions: ## the recorded cases on each version of VCL and MariaDB, and in strict SQL modes (half an hour)
	bin/setup --tests
	$(PYTHON) -m verification.versions

test-install:  ## install, upgrade, go back and remove on a booted bare Debian (as root; a quarter of an hour)
	bin/setup --tests
	$(PYTHON) -m verification.installation

test-looks:    ## every page at all widths, light and dark, in a real browser (five minutes)
	bin/setup --tests
	env EVERY_LOOK=1 $(PYTHON) -m pytest -q tests/browser/test_every_page.py

test-metrics:  ## a day with classes in trouble, scraped by Prometheus; all queries of dashboard and rules (five minutes)
	bin/setup --tests
	$(PYTHON) -m verification.metrics

test-notifications: ## a week with 200 classes, whose mails are read: who reads them knows all that mattered (a quarter of an hour)
	bin/setup --tests
	$(PYTHON) -m verification.notifications

bench:         ## measure an allocation over HTTP, beside plain SQL that does the same (some minutes)
	bin/setup --tests
	$(PYTHON) -m bench.calls

bench-full:    ## the same, and how the cost grows with site, log, past and workers, with a chart (a quarter of an hour)
	bin/setup --bench
	$(PYTHON) -m bench.calls --full
	$(PYTHON) -m bench.calls.plot var/bench/calls.json docs/performance-growth.svg

bench-pages:   ## measure the staff's pages and the decision records on a site of 10,000 computers (some minutes)
	bin/setup --tests
	$(PYTHON) -m bench.decision_records
	$(PYTHON) -m bench.staff_pages --database sqlite
	$(PYTHON) -m bench.staff_pages --database mariadb

bench-readiness: ## play a grid of days with classes, with VCL's rows, ours, and ours kept ready; with a chart (half an hour on two cores)
	bin/setup --bench
	$(PYTHON) -m bench.readiness --grid --json var/bench/readiness.json
	$(PYTHON) -m bench.readiness.plot var/bench/readiness.json docs/readiness.svg

screenshots:   ## take the pictures in docs/screenshots again, in a real browser, with the one that moves
	bin/setup --tests
	$(PYTHON) -m tests.support.browser.screenshots
	$(PYTHON) -m tests.support.browser.morning_picture

fuzz:          ## 200,000 mutated requests, and 5,000 over the network; 20,000 and 2,000 with a front end
	bin/setup --tests
	$(PYTHON) -m verification.fuzz --requests 200000 --sockets 5000
	$(PYTHON) -m verification.fuzz --front-end --requests 20000 --sockets 2000

# .pre-commit-config.yaml has the same commands.
lint:          ## style, types, and whether the migrations match the models
	bin/setup --dev
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	env BLOCKALLOC_ENV= DATABASE_URL=sqlite://:memory: $(PYTHON) manage.py makemigrations --check --dry-run

release:       ## build the archive of this version from the last commit, with checksum and notes, in dist/
	bin/setup
	$(PYTHON) -m releasing

clean:         ## remove the virtual environment, the demo site, built releases and all caches
	rm -rf .venv var dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
