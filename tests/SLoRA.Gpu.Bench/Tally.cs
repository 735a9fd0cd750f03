namespace SLoRA.Gpu.Bench;

/// <summary>What passed and what failed, printed as it happens: what passed only on request, since there is much of it.</summary>
internal sealed class Tally(bool verbose)
{
    /// <summary>Checks that held.</summary>
    public int Passed { get; private set; }

    /// <summary>Checks that did not.</summary>
    public int Failed { get; private set; }

    /// <summary>Counts a check.</summary>
    public void Add(bool holds, string name, string detail)
    {
        if (holds)
        {
            Passed++;
        }
        else
        {
            Failed++;
        }

        if (verbose || !holds)
        {
            Console.WriteLine($"{(holds ? "passed" : "FAILED")}  {name}: {detail}");
        }
    }

    /// <summary>The last line, which scripts look for.</summary>
    public override string ToString() => $"{Passed} passed, {Failed} failed";
}
