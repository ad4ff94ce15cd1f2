import type { OutputCapture } from '@sluice/model';

/**
 * A POSIX shell around a command on nodes that do not capture outputs: it copies standard output to a file as it goes
 * by, passes signals on, keeps the exit code, and writes the captured values to the termination message as JSON.
 * Kubernetes keeps 4096 bytes of that message; more is reported as an error in the same JSON.
 */
const wrapper = `
log=\${SLUICE_TERMINATION_LOG:-/dev/termination-log}
dir=$(mktemp -d) || exit 64
escape() {
  if [ "$(wc -c < "$1")" -gt 4096 ]; then printf '%4097s' ''; return; fi
  LC_ALL=C awk 'BEGIN { for (i = 1; i < 32; i++) map[sprintf("%c", i)] = sprintf("\\\\u%04x", i); map["\\""] = "\\\\\\""; map["\\\\"] = "\\\\\\\\"; ORS = "" }
    NR > 1 { print "\\\\n" }
    { n = length($0); out = ""; for (i = 1; i <= n; i++) { c = substr($0, i, 1); out = out ((c in map) ? map[c] : c) }; print out }' "$1"
}
asked=
child=
trap 'asked=1; if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; fi' TERM INT
if [ -n "$SLUICE_CAPTURE_RESULT" ]; then
  mkfifo "$dir/pipe" || exit 64
  tee "$dir/stdout" < "$dir/pipe" & copier=$!
  "$@" > "$dir/pipe" & child=$!
else
  "$@" & child=$!
fi
if [ -n "$asked" ]; then kill -TERM "$child" 2>/dev/null; fi
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
if [ -n "$copier" ]; then
  # A process that the command left behind may hold its output open: what came within two seconds counts.
  { sleep 2; kill "$copier"; } > /dev/null 2>&1 & reaper=$!
  wait "$copier"
  kill "$reaper" 2>/dev/null
fi
missing=
{
  printf '{'
  comma=
  if [ -n "$SLUICE_CAPTURE_RESULT" ]; then printf '"result":"%s"' "$(escape "$dir/stdout")"; comma=,; fi
  printf '%s"parameters":{' "$comma"
  comma=
  index=0
  while [ "$index" -lt "\${SLUICE_CAPTURE_COUNT:-0}" ]; do
    eval "name=\\$SLUICE_CAPTURE_NAME_$index path=\\$SLUICE_CAPTURE_PATH_$index fallback=\\$SLUICE_CAPTURE_DEFAULT_$index has=\\$SLUICE_CAPTURE_HAS_DEFAULT_$index"
    if [ -f "$path" ]; then cp "$path" "$dir/value"
    elif [ -n "$has" ]; then printf '%s' "$fallback" > "$dir/value"
    else missing="$missing $path"; index=$((index + 1)); continue; fi
    printf '%s"%s":"%s"' "$comma" "$name" "$(escape "$dir/value")"
    comma=,
    index=$((index + 1))
  done
  printf '}'
  if [ -n "$missing" ]; then printf ',"error":"no such file:%s"' "$missing"; fi
  printf '}'
} > "$dir/json"
if [ "$(wc -c < "$dir/json")" -gt 4096 ]; then
  printf '{"error":"the outputs have more than 4096 bytes: write less, or use a node with native outputs"}' > "$log"
else
  cat "$dir/json" > "$log"
fi
rm -rf "$dir"
exit "$code"
`;

/** The command and environment that run a command under the wrapper. */
export function wrapCommand(
  command: readonly string[],
  args: readonly string[],
  capture: OutputCapture,
): { readonly command: readonly string[]; readonly args: readonly string[] } {
  const settings: string[] = [];
  if (capture.result) settings.push('SLUICE_CAPTURE_RESULT=1');
  const parameters = capture.parameters ?? [];
  settings.push(`SLUICE_CAPTURE_COUNT=${parameters.length}`);
  for (const [index, { name, path, default: fallback }] of parameters.entries()) {
    settings.push(`SLUICE_CAPTURE_NAME_${index}=${quote(name)}`, `SLUICE_CAPTURE_PATH_${index}=${quote(path)}`);
    if (fallback !== undefined)
      settings.push(`SLUICE_CAPTURE_HAS_DEFAULT_${index}=1`, `SLUICE_CAPTURE_DEFAULT_${index}=${quote(fallback)}`);
  }
  // Kubernetes reads $(NAME) and $$ in commands; doubling the sign keeps ours as it is.
  const script = `${settings.join('\n')}${wrapper}`.replaceAll('$', '$$$$');
  return { command: ['sh', '-c', script, 'sluice'], args: [...command, ...args] };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
