# make run      set up and open the program on the demonstration film
# make test     set up and run every check; pytest comes last
# make package  build the program folder in dist/
# make smoke    start the built program and compare its numbers with those of the source
# make bench    accuracy and speed on a folder of annotated films: make bench CASES=folder
# make clean    remove what was built; the environment in .venv stays

VENV ?= .venv
PYTHON_IN := $(VENV)/bin/python
DEMO := assets/demo/RG3.dcm
# Without a display the demonstration is measured without a window.
HEADLESS ?= $(if $(DISPLAY)$(WAYLAND_DISPLAY),,1)
SETUP := pyproject.toml packaging/setup.sh

.PHONY: run test package smoke bench clean
.DELETE_ON_ERROR:

$(VENV)/.ready-run: $(SETUP)
	VENV=$(VENV) packaging/setup.sh run
	@touch $@

$(VENV)/.ready-test: $(SETUP)
	VENV=$(VENV) packaging/setup.sh test
	@touch $(VENV)/.ready-run $@

run: $(VENV)/.ready-run
ifeq ($(HEADLESS),1)
	@mkdir -p out
	$(VENV)/bin/orthomatch measure $(DEMO) --json out/demo.json --overlay out/demo.png --pdf out/demo.pdf
else
	@packaging/setup.sh window
	$(VENV)/bin/orthomatch $(DEMO)
endif

test: $(VENV)/.ready-test
	$(VENV)/bin/ruff check .
	$(PYTHON_IN) -m mypy
	$(VENV)/bin/lint-imports
	QT_QPA_PLATFORM=offscreen $(PYTHON_IN) -m pytest -n auto --dist loadfile

package: $(VENV)/.ready-test
	$(PYTHON_IN) -m PyInstaller --noconfirm --distpath dist --workpath build packaging/orthomatch.spec

smoke: package
	$(PYTHON_IN) packaging/smoke.py dist/orthomatch --demo $(DEMO)

bench: $(VENV)/.ready-run
	@test -n "$(CASES)" || { echo "usage: make bench CASES=folder-with-landmarks.json" >&2; exit 2; }
	@mkdir -p out
	$(VENV)/bin/orthomatch evaluate "$(CASES)" --json out/bench.json

clean:
	rm -rf build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
