#!/usr/bin/env -S node --conditions=@sluice/source --disable-warning=ExperimentalWarning
