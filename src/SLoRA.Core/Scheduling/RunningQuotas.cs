using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>What accounts with quotas have of them in requests that run, and what comes back as these end.</summary>
/// <param name="turns">Is told of quotas that have changed.</param>
internal sealed class RunningQuotas(Turns turns)
{
    private readonly List<Standing> _held = [];
    private long _step;

    /// <summary>A step begins: accounts have back what their quotas gave to requests that have ended.</summary>
    public void Begin(IReadOnlyList<Sequence> running)
    {
        _step++;
        if (_held.Count == 0)
        {
            return;
        }

        for (int i = 0; i < running.Count; i++)
        {
            Standing.Of(running[i]).SeenRunning = _step;
        }

        int kept = 0;
        for (int i = 0; i < _held.Count; i++)
        {
            Standing standing = _held[i];
            if (standing.SeenRunning == _step || standing.Returned > 0)
            {
                _held[kept++] = standing;
                continue;
            }

            standing.Account.Allowance!.Return(Math.Max(0, standing.Rows - standing.Computed), standing.Continuations);
            turns.QuotaChanged(standing.Account);
        }

        _held.RemoveRange(kept, _held.Count - kept);
    }

    /// <summary>A request is admitted.</summary>
    public void Take(Standing standing)
    {
        if (standing.Account.Allowance is { } allowance)
        {
            allowance.Take(standing.Rows, standing.Continuations);
            standing.SeenRunning = _step;
            _held.Add(standing);
        }
    }

    /// <summary>A request that a walk had reached waits no longer: it takes its quota now, or leaves it to those behind it.</summary>
    public void EndWaiting(Standing standing, bool isAdmitted)
    {
        if (standing is { IsWalked: true, Account.Allowance: { } allowance })
        {
            standing.IsWalked = false;
            allowance.Walk(-standing.Rows, -standing.Continuations);
            if (!isAdmitted)
            {
                turns.QuotaChanged(standing.Account);
            }
        }
    }
}
