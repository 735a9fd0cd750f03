using System.Runtime.CompilerServices;

namespace SLoRA.Text.Templates;

/// <summary>
/// Counts what a rendering costs and ends it when a limit is reached. Everything that loops charges steps, everything that makes text or
/// lists says so beforehand, everything that nests enters a level: so no template runs, grows or nests without bound. Memory is what the
/// rendering's thread has really allocated, so nothing escapes it; it is looked at every few steps and before anything large.
/// </summary>
internal sealed class Budget(Rendering rendering, ChatTemplateLimits limits, long inputSize)
{
    // A character that is put together and then made a string.
    private const int CharacterSize = 2 * sizeof(char);
    private const int EntrySize = 16;
    private const int PartSize = 96;
    private const int StepsBetweenLooks = 64;
    private const int LargeCharacters = 1024;

    private readonly long _maxSteps = Sum(limits.Steps, limits.StepsPerInput, inputSize);
    private readonly long _maxMemory = Sum(limits.Memory, limits.MemoryPerInput, inputSize);
    private readonly long _before = GC.GetAllocatedBytesForCurrentThread();
    private long _steps;
    private long _nextLook;
    private int _depth;

    /// <summary>Charges evaluated nodes or visited items.</summary>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps < _nextLook && _steps >= 0)
        {
            return;
        }

        if (_steps > _maxSteps || _steps < 0)
        {
            throw rendering.Error("template.limit", $"the template needs more than {_maxSteps} steps");
        }

        _nextLook = Math.Min(_steps + StepsBetweenLooks, _maxSteps + 1);
        Look(0);
    }

    /// <summary>Charges text about to be made. Scanning text is charged as part of making it.</summary>
    public void Characters(long count)
    {
        if (count >= LargeCharacters)
        {
            Look(count > _maxMemory ? count : count * CharacterSize);
        }

        Step(count >> 6);
    }

    /// <summary>Charges work that makes a text of its own of single characters or words.</summary>
    public void PerCharacter(string text)
    {
        if (text.Length >= LargeCharacters)
        {
            Look((long)text.Length * PartSize);
        }

        Step(text.Length >> 4);
    }

    /// <summary>Charges a search for one text in another, at its worst: the needle nearly matches everywhere.</summary>
    public void Search(long length, long needle) => Step(Math.Max(0, length - needle + 1) * (1 + (needle >> 5)) >> 6);

    /// <summary>Charges list entries about to be made.</summary>
    public void Entries(long count)
    {
        if (count >= LargeCharacters)
        {
            Look(count > _maxMemory ? count : count * EntrySize);
        }

        Step(count >> 2);
    }

    /// <summary>Enters one level of nesting; the caller leaves it again with <see cref="Leave"/>.</summary>
    public void Enter()
    {
        if (++_depth > limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw rendering.Error("template.limit", $"the template nests deeper than {Math.Min(_depth - 1, limits.Depth)} levels");
        }
    }

    public void Leave() => _depth--;

    private static long Sum(long fixedPart, long perInput, long inputSize) =>
        (long)Int128.Min(long.MaxValue / 2, fixedPart + ((Int128)perInput * inputSize));

    // Ends the rendering where it has allocated, or is about to allocate, more than it may.
    private void Look(long about)
    {
        if (GC.GetAllocatedBytesForCurrentThread() - _before > _maxMemory - about)
        {
            throw rendering.Error("template.limit", $"the template allocates more than {_maxMemory} bytes");
        }
    }
}
