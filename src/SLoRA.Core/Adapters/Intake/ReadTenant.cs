namespace SLoRA.Adapters.Intake;

/// <summary>Those readings whose names begin alike. Under the lock of <see cref="ReadThreads"/>.</summary>
internal sealed class ReadTenant(string name)
{
    public string Name { get; } = name;

    public Queue<Reading> Waiting { get; } = new();

    /// <summary>Threads that are at its readings, those that hang and are lost counted.</summary>
    public int Threads { get; set; }

    /// <summary>Those of them whose readings were given up.</summary>
    public int Lost { get; set; }

    /// <summary>Whether it stands among those that may read.</summary>
    public bool IsReady { get; set; }
}
