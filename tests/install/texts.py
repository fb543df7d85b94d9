"""po/pl.po holds a Polish text for every text of the programs: none missing, none fuzzy, none left over."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["WICI_SOURCE"]
for tool in ("xgettext", "msgcmp", "msgfmt"):
    if shutil.which(tool) is None:
        print(f"skipped: {tool} is not installed")
        sys.exit(77)
with tempfile.TemporaryDirectory() as tmp:
    sources = [path for where in ("agents", "agents/cli", "broker", "proto", "store") for path in glob.glob(f"{SOURCE}/{where}/*.c")]
    subprocess.run(["xgettext", "--from-code=UTF-8", "-k_", "-kN_", "-klog_error", "-klog_warn", "-klog_info",
                    "-kagent_log:2", "-o", f"{tmp}/wici.pot", *sorted(sources)], check=True)
    done = subprocess.run(["msgcmp", f"{SOURCE}/po/pl.po", f"{tmp}/wici.pot"], check=False)
    if done.returncode != 0:
        sys.exit("po/pl.po lacks texts (see above)")
    done = subprocess.run(["msgcmp", "--use-untranslated", f"{tmp}/wici.pot", f"{SOURCE}/po/pl.po"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        sys.exit("po/pl.po has texts that no program uses:\n" + done.stderr)
    subprocess.run(["msgfmt", "--check", "-o", "/dev/null", f"{SOURCE}/po/pl.po"], check=True)
