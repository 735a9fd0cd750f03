using System.Text.RegularExpressions;

namespace SLoRA.Core.Tests.Backends.Gpu.Assembly;

/// <summary>The loops of a kernel's machine code, as <c>nvdisasm -c</c> lists it. A loop is a branch backwards.</summary>
internal sealed partial class SassLoops
{
    private readonly List<string> _code = [];
    private readonly List<(int Start, int End)> _loops = [];

    public SassLoops(string listing)
    {
        var places = new Dictionary<string, int>();
        foreach (string line in listing.Split('\n'))
        {
            if (Label().Match(line) is { Success: true } label)
            {
                places[label.Groups[1].Value] = _code.Count;
            }
            else if (Instruction().Match(line) is { Success: true } instruction)
            {
                _code.Add(instruction.Groups[1].Value);
            }
        }

        for (int end = 0; end < _code.Count; end++)
        {
            if (Branch().Match(_code[end]) is { Success: true } branch && places.GetValueOrDefault(branch.Groups[1].Value, end) < end)
            {
                _loops.Add((places[branch.Groups[1].Value], end));
            }
        }
    }

    /// <summary>Bytes of the widest load of device memory, asynchronous copies to shared memory among them.</summary>
    public int WidestLoad => _code.Select(LoadWidth).DefaultIfEmpty(0).Max();

    /// <summary>Loads whose address could be of any memory: they take longer than those that name theirs.</summary>
    public int GenericAccesses => _code.Count(line => Generic().IsMatch(line));

    /// <summary>
    /// The loop without loops in it that multiplies most, the shortest of those: its multiplications (FFMA, HMMA) and integer instructions.
    /// </summary>
    public (int Multiplications, int Integers, int Barriers) Hot()
    {
        (int Multiplications, int Integers, int Barriers) hot = default;
        int length = 0;
        foreach ((int start, int end) in _loops)
        {
            bool innermost = !_loops.Any(other => other.Start >= start && other.End <= end && other != (start, end));
            int multiplications = Count(Multiplication(), start, end);
            bool better = multiplications > hot.Multiplications || (multiplications == hot.Multiplications && end - start < length);
            if (innermost && multiplications > 0 && better)
            {
                hot = (multiplications, Count(Integer(), start, end), Count(Barrier(), start, end));
                length = end - start;
            }
        }

        return hot;
    }

    private static int LoadWidth(string line)
    {
        if (Load().Match(line) is not { Success: true } load)
        {
            return 0;
        }

        string kind = load.Groups[1].Value;
        return kind.Contains(".128", StringComparison.Ordinal) ? 16 : kind.Contains(".64", StringComparison.Ordinal) ? 8
            : kind.Contains(".U16", StringComparison.Ordinal) || kind.Contains(".S16", StringComparison.Ordinal) ? 2
            : kind.Contains(".U8", StringComparison.Ordinal) || kind.Contains(".S8", StringComparison.Ordinal) ? 1 : 4;
    }

    private int Count(Regex pattern, int start, int end) => _code[start..(end + 1)].Count(line => pattern.IsMatch(line));

    [GeneratedRegex(@"^\s*(\.L_\w+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?(.*?)\s*;")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"^BRA.*?(\.L_\w+)")]
    private static partial Regex Branch();

    [GeneratedRegex(@"^(?:LDG|LD\.E|LDGSTS)(\S*)")]
    private static partial Regex Load();

    [GeneratedRegex(@"^(?:LD|ST|ATOM)(?:\.|\s)")]
    private static partial Regex Generic();

    [GeneratedRegex("^(?:FFMA|HMMA|IMMA)")]
    private static partial Regex Multiplication();

    [GeneratedRegex("^BAR")]
    private static partial Regex Barrier();

    [GeneratedRegex("^(?:IMAD|IADD|VIADD|LEA|SHF|LOP3|ISETP|SEL|MOV|PRMT|I2F|UIADD|ULEA|UIMAD|USHF|ULDC|UMOV)")]
    private static partial Regex Integer();
}
