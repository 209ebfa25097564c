# bash completion of qedge: `qedge completion bash` prints this.

_qedge() {
  # Words as the shell passes them on: bash splits at ":" and "=", which stand in client ids and in --option=value.
  local line=${COMP_LINE:0:COMP_POINT} words word value about
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local current=${words[-1]} skipped=''
  if [[ $current == *[:=]* && $current == *"$2" ]]; then
    skipped=${current%"$2"}
    # A lone "=" or ":" is a word of its own to bash.
    [[ $2 == [:=] ]] && skipped+=$2
  fi
  COMPREPLY=()
  while IFS=$'\t' read -r value about; do
    case $value in
    :files) mapfile -t COMPREPLY < <(compgen -f -- "${current#"$skipped"}") && compopt -o filenames ;;
    :directories) mapfile -t COMPREPLY < <(compgen -d -- "${current#"$skipped"}") && compopt -o filenames ;;
    *)
      word=$(printf '%q' "${value#"$skipped"}")
      COMPREPLY+=("$word")
      ;;
    esac
  done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
}

complete -F _qedge qedge
