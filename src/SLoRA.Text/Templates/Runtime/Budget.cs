using System.Runtime.CompilerServices;

namespace SLoRA.Text.Templates;

/// <summary>
/// Counts what a rendering costs and ends it when a limit is reached. Everything that loops charges steps, everything that makes text or lists charges
/// memory, everything that nests enters a level: so no template runs, grows or nests without bound.
/// </summary>
internal sealed class Budget(Rendering rendering, ChatTemplateLimits limits, long inputSize)
{
    /// <summary>A list entry counts as this many characters.</summary>
    public const int EntrySize = 8;

    private readonly long _maxSteps = limits.Steps + limits.StepsPerInput * inputSize;
    private readonly long _maxMemory = limits.Memory + limits.MemoryPerInput * inputSize;
    private long _steps;
    private long _memory;
    private int _depth;

    /// <summary>Charges evaluated nodes or visited items.</summary>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps > _maxSteps || _steps < 0)
            throw rendering.Error("template.limit", $"the template needs more than {_maxSteps} steps");
    }

    /// <summary>Charges text about to be made. Scanning text is charged as part of making it.</summary>
    public void Characters(long count)
    {
        _memory += count;
        if (_memory > _maxMemory || _memory < 0)
            throw rendering.Error("template.limit", $"the template makes more than {_maxMemory} characters of text and values");
        Step(count >> 6);
    }

    /// <summary>Charges a search for one text in another, at its worst: the needle nearly matches everywhere.</summary>
    public void Search(long length, long needle) => Step(Math.Max(0, length - needle + 1) * (1 + (needle >> 5)) >> 6);

    /// <summary>Charges list entries about to be made.</summary>
    public void Entries(long count)
    {
        if (count > _maxMemory)
            Characters(_maxMemory + 1);
        Characters(count * EntrySize);
        Step(count >> 2);
    }

    /// <summary>Enters one level of nesting; the caller leaves it again with <see cref="Leave"/>.</summary>
    public void Enter()
    {
        if (++_depth > limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw rendering.Error("template.limit", $"the template nests deeper than {Math.Min(_depth - 1, limits.Depth)} levels");
    }

    public void Leave() => _depth--;
}
