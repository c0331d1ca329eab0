"""Settings every test shares. Windows are drawn off screen."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["ORTHOMATCH_CONFIG"] = os.path.join(os.path.dirname(__file__), "no-such-folder")
