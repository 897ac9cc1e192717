#!/bin/bash
# One jaxpe command on many machines of a SLURM cluster:
#
#     sbatch examples/slurm.sh study --preset standard --results /shared/results
#
# Every task of the array runs the same command on the same results folder, which all nodes must see. They share the rounds of
# training by leases in that folder: none is trained twice, and the round of a task that dies is taken over after half a minute.
# More tasks can be added at any time by the same line. `jaxpe status /shared/results` shows who does what.
#
# Before the time limit SLURM sends USR1 to this script, which stops jaxpe in order (a checkpoint is saved, the lease is given
# back) and puts the task into the queue again. After preemption or the failure of a node SLURM itself does so (--requeue). A task
# that you cancel stays cancelled. Bits are the same on nodes with the same processor or GPU: name one by --constraint.
#
#SBATCH --job-name=jaxpe
#SBATCH --array=0-7
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@180
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=jaxpe-%A_%a.log
# For GPUs, one for each task: #SBATCH --gpus-per-task=1

cd "${SLURM_SUBMIT_DIR:-.}" || exit 2
if [ -f .venv/bin/activate ]; then . .venv/bin/activate; fi

requeue=no
trap 'signalled=yes; requeue=yes; kill -TERM "$process"' USR1
trap 'signalled=yes; kill -TERM "$process"' TERM
jaxpe "$@" &
process=$!
signalled=yes
while [ "$signalled" = yes ]; do # a signal ends a wait, not the process
    signalled=no
    wait "$process"
    code=$?
done
if [ "$requeue" = yes ] && [ "$code" = 143 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
fi
exit "$code"
