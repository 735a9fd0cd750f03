using System.Collections.Concurrent;

namespace SLoRA.Core.Tests.Engine.Faults;

/// <summary>Counts the calls of every callback of a host program by name, and throws at one of them.</summary>
/// <param name="callback">Which callback throws; null for none.</param>
/// <param name="at">At which of its calls, from 1.</param>
internal sealed class Saboteur(string? callback = null, int at = 0)
{
    private readonly ConcurrentDictionary<string, int> _calls = new();

    /// <summary>How often each was called.</summary>
    public IReadOnlyDictionary<string, int> Calls => _calls;

    /// <summary>A callback is called.</summary>
    public void Call(string name)
    {
        if (_calls.AddOrUpdate(name, 1, (_, count) => count + 1) == at && name == callback)
        {
            throw new HostFault();
        }
    }
}

/// <summary>An error that cannot even be described.</summary>
internal sealed class HostFault : Exception
{
    public override string Message => throw new NotSupportedException("Nobody may rely on the message of a stranger's error.");

    public override string ToString() => nameof(HostFault);
}
