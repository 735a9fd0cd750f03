namespace SLoRA.Text.Fuzz;

/// <summary>Something that must take any bytes without crash, hang or growth.</summary>
internal interface IFuzzTarget
{
    string Name { get; }

    /// <summary>Inputs to start from.</summary>
    IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>Words of the input's language, which mutation puts in.</summary>
    IReadOnlyList<byte[]> Words { get; }

    /// <summary>Whether the inputs are JSON, whose tree is then changed in half of the executions.</summary>
    bool IsJson { get; }

    /// <summary>Runs one input. Throws when the code under test does anything but succeed or refuse.</summary>
    void Run(ReadOnlySpan<byte> input);
}
