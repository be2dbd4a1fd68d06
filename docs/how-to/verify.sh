#!/usr/bin/env bash
# Checks a run without Babysitter: chain, order, grammar, files by digest, file set.
# Usage: verify.sh .a5c/runs/RUN      Needs: bash 4.3, jq 1.6, head, sha256sum and the rest of coreutils.
# What it cannot show: a change of the last line itself, and whole trailing lines removed.
set -u -o pipefail
export LC_ALL=C
shopt -s globstar dotglob nullglob
cd "${1:?usage: verify.sh RUN_DIRECTORY}" || exit 2
journal=journal/journal.jsonl bad=0
say() { printf 'BAD: %s\n' "$*"; bad=1; }
finish() { ((bad)) && exit 1; printf 'ok: %s lines; not provable here: a change of line %s, lines removed after it\n' "$1" "$1"; exit 0; }
digest() { local sum; sum=$(sha256sum <"$1") && printf %s "${sum%% *}"; }
[[ -f $journal && ! -L $journal && -s $journal ]] || { say "there is no $journal"; exit 1; }

# 1. Form: whole lines, each one JSON object without spaces, keys in order, seq from 1 without a gap.
[[ $(tr -cd '\000' <"$journal" | wc -c) -eq 0 ]] || say "the journal holds NUL bytes"
[[ $(tail -c 1 "$journal" | od -An -tx1) == ' 0a' ]] || say "the last line is not ended"
jq -Rn '
  def spaces: if . == "" then 0 else split(" ") | length - 1 end;
  reduce inputs as $raw (0; . as $before | ($before + 1) as $n | ($raw | try fromjson catch null) as $line
    | if ($raw | test("^\\{\"seq\":\($n),\"prefix\":\"[0-9a-f]{64}\",\"type\":\"[A-Z][A-Z_]*\",\"recordedAt\":\"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\\.[0-9]{6}Z\",\"data\":\\{") | not)
        or ($line | type != "object" or (keys_unsorted != ["seq", "prefix", "type", "recordedAt", "data"]))
        or ($raw | spaces) != ([$line | .. | strings, (objects | keys_unsorted[]) | spaces] | add)
        or ($raw | test("[\t\r]"))
      then error("line \($n) is not a journal line") else $n end)' "$journal" >/dev/null || say "the form is wrong"
((bad)) && exit 1

# 2. Chain: prefix is the SHA-256 of every byte before the line.
prefixes=$(jq -r .prefix "$journal") || { say "the lines cannot be read"; exit 1; }
lines=0
while read -r prefix; do
  sum=$(head -n "$lines" "$journal" | sha256sum)
  lines=$((lines + 1))
  [[ $prefix == "${sum%% *}" ]] || { say "line $lines: prefix is not the SHA-256 of the lines before it"; exit 1; }
done <<<"$prefixes"

# 3. Grammar: what may follow what (docs/reference/events.md).
ended=$(jq -n --arg run "${PWD##*/}" '
  {RUN_CREATED: ["run", ["new"], "open"], RUN_COMPLETED: ["run", ["open"], "ended"], RUN_FAILED: ["run", ["open"], "ended"],
   RUN_CANCELLED: ["run", ["open"], "ended"], RUN_CANCEL_REQUESTED: ["run", ["open"], "open"],
   PROCESS_CHANGED: ["run", ["open"], "open"], PROCESS_ADMITTED: ["run", ["open"], "open"], JOURNAL_RECOVERED: ["run", ["open"], "open"],
   POLICY_DENIED: ["run", ["open"], "open"], SECRET_DETECTED: ["run", ["open"], "open"],
   BUDGET_EXCEEDED: ["run", ["open"], "open"], SIGNAL_RECEIVED: ["run", ["open"], "open"],
   EFFECT_REQUESTED: ["effect", ["new"], "requested"],
   EFFECT_STARTED: ["effect", ["requested", "retrying", "unknown"], "started"],
   EFFECT_RETRY_SCHEDULED: ["effect", ["started"], "retrying"], EFFECT_UNKNOWN: ["effect", ["started"], "unknown"],
   EFFECT_RESOLVED: ["effect", ["requested", "started", "retrying", "unknown"], "resolved"],
   EFFECT_CANCELLED: ["effect", ["requested", "started", "retrying", "unknown"], "cancelled"],
   SANDBOX_DENIED: ["effect", ["requested", "started", "retrying", "unknown", "resolved", "cancelled"], ""],
   BREAKPOINT_REQUESTED: ["breakpoint", ["new"], "open"], BREAKPOINT_RESPONDED: ["breakpoint", ["open"], "open"],
   BREAKPOINT_RELEASED: ["breakpoint", ["open"], "released"], BREAKPOINT_REJECTED: ["breakpoint", ["open"], "rejected"],
   BREAKPOINT_EXPIRED: ["breakpoint", ["open"], "expired"], TIMER_SET: ["timer", ["new"], "open"],
   TIMER_FIRED: ["timer", ["open"], "fired"], SIGNAL_AWAITED: ["signal", ["new"], "open"],
   CHILD_STARTED: ["child", ["new"], "open"], CHILD_ENDED: ["child", ["open"], "ended"],
   CALL_CANCELLED: ["wait", ["open"], "cancelled"], LOG: ["moment", ["new"], "done"], VALUE: ["moment", ["new"], "done"],
   PATCHED: ["moment", ["new"], "done"], ARTIFACT_WRITTEN: ["moment", ["new"], "done"]} as $table
  | def need(cond; why): if cond then . else error("\(.at): \(why)") end;
  reduce inputs as $line (
    {run: "new", state: {}, calls: {}, attempt: {}, quorum: {}, answers: {}, child: {}, queued: {}, waiting: {}, asked: {}};
    $line.data as $d | $line.type as $t | .at = "line \($line.seq): \($t) cannot come here"
    | need($table[$t]; "there is no such type") | $table[$t] as [$subject, $from, $to]
    | if $subject == "run" then .run as $now | need($from | index($now); "the run is \($now)") | .run = $to
      else need(.run == "open"; "the run is \(.run)")
        | (if $subject == "wait" then .calls[$d.callId] // "" elif $subject == "effect" then "effect \($d.effectId)"
           elif $subject == "breakpoint" then "breakpoint \($d.breakpointId)" else "\($subject) \($d.callId)" end) as $key
        | need($subject != "wait" or ($key | test("^(breakpoint|timer|signal|child) ")); "nothing waits at that call")
        | (.state[$key] // "new") as $now | need($from | index($now); "\($key) is \($now)")
        | if $from == ["new"] then need(.calls[$d.callId] == null; "that call was made before") | .calls[$d.callId] = $key
          else . end
        | if $to == "" then . else .state[$key] = $to end end
    | (.attempt[$d.effectId // ""] // 0) as $last
    | if $t == "RUN_CREATED" then need($d.runId == $run; "it is of another run")
      elif $t == "EFFECT_STARTED" then need($d.attempt == $last + 1; "the attempt") | .attempt[$d.effectId] = $d.attempt
      elif $t == "EFFECT_RETRY_SCHEDULED" or $t == "EFFECT_UNKNOWN" then need($d.attempt == $last; "the attempt")
      elif $t == "SANDBOX_DENIED" then need($d.attempt == $last or $d.attempt == $last + 1; "the attempt")
      elif $t == "EFFECT_RESOLVED" then need($d.attempt == $last or $d.attempt == $last + 1; "the attempt")
        | need(($d.status == "error") == ($d.error != null); "status and error do not agree")
      elif $t == "BREAKPOINT_REQUESTED" then .quorum[$d.breakpointId] = ($d.quorum // 1)
      elif $t == "BREAKPOINT_RESPONDED" then .answers[$d.breakpointId][$d.approver] = $d.decision
      elif $t == "BREAKPOINT_RELEASED" then (.answers[$d.breakpointId] // {}) as $said | ($d.respondedBy | unique) as $by
        | need($d.approved and ($by | all($said[.] == "approve")) and ($by | length) >= .quorum[$d.breakpointId]; "the approvals")
      elif $t == "CHILD_STARTED" then .child[$d.callId] = $d.childRunId
      elif $t == "CHILD_ENDED" then need(.child[$d.callId] == $d.childRunId; "the call started another run")
      elif $t == "SIGNAL_AWAITED" then ($d.name | tojson) as $name
        | if (.queued[$name] // 0) > 0 then .queued[$name] -= 1 | .state["signal \($d.callId)"] = "received"
          else .waiting[$name] += ["signal \($d.callId)"] end
      elif $t == "SIGNAL_RECEIVED" then ($d.name | tojson) as $name | .state as $states
        | [(.waiting[$name] // [])[] | select($states[.] == "open")] as $open
        | if $open == [] then .queued[$name] += 1 else .state[$open[0]] = "received" end | .waiting[$name] = $open[1:]
      else . end
    | if $d.requestId then need(.asked[$d.requestId] == null; "that request was answered before") | .asked[$d.requestId] = true
      else . end)
  | .run == "ended"' "$journal") || { say "the order of the lines is wrong"; exit 1; }

# 4. Files that lines name by digest, values by theirs, and files that repeat what a line says.
claims=$(jq -r '.seq as $n | .type as $t | .data
  | ((.inputRef, .resultRef, .outputRef, .stdoutRef, .stderrRef, .ref, (select($t == "BREAKPOINT_REQUESTED") | .files[]?)
        | objects | [.path, .sha256, .bytes]),
     (select($t == "RUN_CREATED") | ["run.json", .runSha256, "-"], ["inputs.json", .inputsSha256, "-"]),
     (select($t == "BREAKPOINT_REQUESTED") | ["breakpoints/\(.breakpointId)/shown.md", .shownSha256, "-"]),
     (select($t == "JOURNAL_RECOVERED") | [.tornPath, .droppedSha256, .droppedBytes]))
  | [$n] + . | @tsv' "$journal") || say "the lines' claims cannot be read"
values=$(jq -r '
  def plain: all(.. | numbers; . == floor and fabs < 9007199254740992 and tojson != "-0")
    and all(.. | strings, (objects | keys[]); test("^[ -~]*$"));
  .seq as $n | .type as $t | .data
  | if $t == "EFFECT_REQUESTED" and .inputRef == null then [.argsSha256, .args]
    elif $t == "EFFECT_RESOLVED" and .resultRef == null and .resultSha256 then [.resultSha256, .result]
    elif $t == "CHILD_STARTED" and .inputRef == null then [.inputsSha256, .inputs]
    elif $t == "RUN_COMPLETED" and .outputRef == null then [.outputSha256, .output] else empty end
  | select(.[1] | plain) | .[1] |= walk(if type == "object" then to_entries | sort_by(.key) | from_entries else . end)
  | "\($n)\t\(.[0])\t\(.[1] | tojson)"' "$journal") || say "the lines' values cannot be read"
repeats=$(jq -r '.type as $t | .data
  | (select($t == "EFFECT_REQUESTED")
      | "tasks/\(.effectId)/task.json\t\({effectId, callId, taskId, kind, label: .label, environment: .environment,
           critical: (.critical // false), labels: (.labels // []), argsSha256} | tojson)",
        (select(.inputRef == null) | "tasks/\(.effectId)/input.json\t\(.args | tojson)")),
    (select($t == "EFFECT_RESOLVED" and .status == "ok" and .resultRef == null)
      | "tasks/\(.effectId)/result.json\t\(.result | tojson)")' "$journal") || say "the lines' values cannot be read"
declare -A named=() repeated=()
while IFS=$'\t' read -r line path sum bytes; do
  [[ ${named[$path]:-$sum} == "$sum" ]] || say "line $line names $path with another digest than an earlier line"
  named[$path]=${named[$path]:-$sum}
  if [[ /$path/ == *//* || /$path/ == */./* || /$path/ == */../* ]]; then say "line $line names $path, outside the run"
  elif [[ ! -f $path || -L $path ]]; then say "$path is missing; line $line names it"
  elif [[ $(digest "$path") != "$sum" ]] || { [[ $bytes != - ]] && [[ $(wc -c <"$path") -ne $bytes ]]; }; then
    say "$path is not what line $line names"
  fi
done <<<"$claims"
[[ -z $values ]] || while IFS=$'\t' read -r line sum value; do
  [[ $(printf %s "$value" | sha256sum) == "$sum  -" ]] || say "line $line: its value does not have its digest"
done <<<"$values"
[[ -z $repeats ]] || while IFS=$'\t' read -r path value; do repeated[$path]=$value; done <<<"$repeats"

# 5. File set: whatever is there is named, repeated, or may stand there by its name.
known_task() { jq -en --arg id "$1" 'first(inputs | select((.type == "EFFECT_REQUESTED" and .data.effectId == $id)
  or (.type == "CHILD_STARTED" and "\(.data.callId)-child" == $id))) | true' "$journal" >/dev/null; }
statement() { jq -en --arg sum "$(digest "$1")" 'first(inputs | select(.data.statementSha256 == $sum)) | true' "$journal" >/dev/null; }
may_stand() {
  [[ $1 =~ ^(.*)\.([^/]+)\.part$ ]] && { may_stand "${BASH_REMATCH[1]}${BASH_REMATCH[2]}"; return; }
  [[ $1 == "$journal" || $1 =~ ^state/[^/]+$ || $1 =~ ^mail/[A-Za-z0-9][A-Za-z0-9._-]*\.json$ ]] && return 0
  [[ $1 =~ ^(breakpoints/[^/]+/approval-[0-9]+\.json)(\.sig)?$ && -f ${BASH_REMATCH[1]} ]] && statement "${BASH_REMATCH[1]}" && return 0
  [[ $1 =~ ^tasks/([^/]+)/((task|input|result)\.json|(stdout|stderr)(\.[0-9]+)?\.log)$ ]] && known_task "${BASH_REMATCH[1]}" && return 0
  [[ $ended == false && $1 =~ ^(tasks/[^/]+/((task|input|result)\.json|(stdout|stderr)(\.[0-9]+)?\.log)|breakpoints/[^/]+/(shown\.md|approval-[0-9]+\.json(\.sig)?)|artifacts/.+|output\.json|journal/torn/[0-9]{8,}-[0-9a-f]{16}\.bin)$ ]]
}
for path in **; do
  if [[ -L $path ]]; then say "$path is a symlink"
  elif [[ -d $path || -n ${named[$path]:-} ]]; then continue
  elif [[ -n ${repeated[$path]:-} ]]; then
    jq -e --argjson said "${repeated[$path]}" '. == $said' "$path" >/dev/null 2>&1 || say "$path says something else than the journal"
  else may_stand "$path" || say "$path is not a file that this run can have"
  fi
done
finish "$lines"
