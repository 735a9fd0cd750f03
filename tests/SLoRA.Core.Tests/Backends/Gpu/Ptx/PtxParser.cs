using System.Globalization;
using System.Text.RegularExpressions;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>Takes a text apart: one entry of one module, without calls.</summary>
internal sealed partial class PtxParser
{
    private readonly PtxKernel _kernel = new();
    private readonly Stack<Dictionary<string, int>> _scopes = new([new()]);
    private readonly Dictionary<string, int> _labels = [];

    private PtxParser()
    {
    }

    /// <summary>Parses a text.</summary>
    public static PtxKernel Parse(string text)
    {
        var parser = new PtxParser();
        string clean = Comment().Replace(text, "");
        Match entry = Entry().Match(clean);
        if (!entry.Success)
        {
            throw new PtxFault("There is no entry in the text.");
        }

        parser.Parameters(entry.Groups["parameters"].Value);
        parser.Body(clean[(entry.Index + entry.Length)..]);
        return parser._kernel;
    }

    private static int RoundedUp(int value, int alignment) => (value + alignment - 1) / alignment * alignment;

    private void Parameters(string text)
    {
        foreach (Match match in Parameter().Matches(text))
        {
            int element = PtxType.Find(match.Groups["type"].Value)!.Bytes;
            int count = match.Groups["count"].Success ? int.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture) : 1;
            int alignment = match.Groups["align"].Success
                ? int.Parse(match.Groups["align"].ValueSpan, CultureInfo.InvariantCulture) : element;
            int place = RoundedUp(_kernel.ParameterBytes, alignment);
            _kernel.Parameters.Add(match.Groups["name"].Value, place);
            _kernel.ParameterPlaces.Add(place);
            _kernel.ParameterBytes = place + (element * count);
        }
    }

    private void Body(string text)
    {
        int depth = 0;
        for (int at = 0; at < text.Length;)
        {
            char character = text[at];
            if (char.IsWhiteSpace(character) || character == ';')
            {
                at++;
            }
            else if (character == '{')
            {
                depth++;
                _scopes.Push([]);
                at++;
            }
            else if (character == '}')
            {
                depth--;
                _scopes.Pop();
                at++;
                if (depth == 0)
                {
                    break;
                }
            }
            else if (Label().Match(text, at) is { Success: true } label && label.Index == at)
            {
                _labels.Add(label.Groups[1].Value, _kernel.Instructions.Count);
                at += label.Length;
            }
            else if (depth == 0)
            {
                // Directives between head and body: limits on threads.
                at = text.IndexOf('{', at);
            }
            else
            {
                int end = text.IndexOf(';', at);
                Statement(text[at..end].Trim());
                at = end + 1;
            }
        }

        foreach (PtxInstruction instruction in _kernel.Instructions.Where(instruction => instruction.Operation == "bra"))
        {
            instruction.Target = _labels[instruction.Operands[0].Name];
        }
    }

    private void Statement(string text)
    {
        if (text.StartsWith(".reg", StringComparison.Ordinal))
        {
            Registers(text);
        }
        else if (SharedVariable().Match(text) is { Success: true } variable)
        {
            int element = PtxType.Find(variable.Groups["type"].Value)!.Bytes;
            int alignment = variable.Groups["align"].Success
                ? int.Parse(variable.Groups["align"].ValueSpan, CultureInfo.InvariantCulture) : element;
            int place = RoundedUp(_kernel.SharedBytes, alignment);
            _kernel.Shared.Add(variable.Groups["name"].Value, place);
            _kernel.SharedBytes = place + (element * int.Parse(variable.Groups["count"].ValueSpan, CultureInfo.InvariantCulture));
        }
        else if (text.StartsWith(".pragma", StringComparison.Ordinal))
        {
            // Advice to the assembler.
        }
        else if (text[0] == '.')
        {
            throw new PtxFault($"A directive that the interpreter does not know: {text}");
        }
        else
        {
            Instruction(text);
        }
    }

    private void Registers(string text)
    {
        string[] words = text.Split([' ', '\t', ','], StringSplitOptions.RemoveEmptyEntries);
        foreach (string name in words[2..])
        {
            int open = name.IndexOf('<', StringComparison.Ordinal);
            if (open < 0)
            {
                _scopes.Peek()[name] = _kernel.Registers++;
                continue;
            }

            int count = int.Parse(name.AsSpan(open + 1, name.Length - open - 2), CultureInfo.InvariantCulture);
            for (int i = 0; i < count; i++)
            {
                _scopes.Peek()[name[..open] + i] = _kernel.Registers++;
            }
        }
    }

    private void Instruction(string text)
    {
        string rest = text;
        int predicate = -1;
        bool negated = false;
        if (rest[0] == '@')
        {
            string[] cut = rest.Split([' ', '\t'], 2);
            negated = cut[0][1] == '!';
            predicate = Register(cut[0][(negated ? 2 : 1)..]) ?? throw new PtxFault($"No such predicate: {text}");
            rest = cut[1].Trim();
        }

        string[] parts = rest.Split([' ', '\t'], 2);
        PtxOperand[] operands = parts.Length == 1 ? [] : [.. Cut(parts[1]).Select(Operand)];
        _kernel.Instructions.Add(new PtxInstruction(text, parts[0].Split('.', ':'), operands, predicate, negated));
    }

    private static IEnumerable<string> Cut(string operands)
    {
        int depth = 0;
        int begin = 0;
        for (int i = 0; i < operands.Length; i++)
        {
            depth += operands[i] is '{' or '[' ? 1 : operands[i] is '}' or ']' ? -1 : 0;
            if (operands[i] == ',' && depth == 0)
            {
                yield return operands[begin..i].Trim();
                begin = i + 1;
            }
        }

        yield return operands[begin..].Trim();
    }

    private PtxOperand Operand(string text) => text[0] switch
    {
        '{' => new PtxOperand(OperandKind.Vector, Parts: [.. Cut(text[1..^1]).Select(Operand)]),
        '[' => Address(text[1..^1].Trim()),
        _ when Register(text) is { } register => new PtxOperand(OperandKind.Register, register),
        _ when Number(text) is { } bits => new PtxOperand(OperandKind.Immediate, Bits: bits),
        '%' => new PtxOperand(OperandKind.Special, Name: text),
        _ when Place(text) is { } place => new PtxOperand(OperandKind.Immediate, Bits: place),
        _ => new PtxOperand(OperandKind.Label, Name: text),
    };

    private PtxOperand Address(string text)
    {
        int plus = text.IndexOf('+', StringComparison.Ordinal);
        string name = (plus < 0 ? text : text[..plus]).Trim();
        ulong offset = plus < 0 ? 0 : Number(text[(plus + 1)..].Trim()) ?? throw new PtxFault($"No such offset: {text}");
        return Register(name) is { } register
            ? new PtxOperand(OperandKind.Address, register, offset)
            : new PtxOperand(
                OperandKind.Address, -1, offset + (Place(name) ?? Number(name) ?? throw new PtxFault($"No such place: {text}")));
    }

    private int? Register(string name)
    {
        foreach (Dictionary<string, int> scope in _scopes)
        {
            if (scope.TryGetValue(name, out int register))
            {
                return register;
            }
        }

        return null;
    }

    private ulong? Place(string name) => _kernel.Parameters.TryGetValue(name, out int parameter) ? (ulong)parameter
        : _kernel.Shared.TryGetValue(name, out int shared) ? (ulong)shared : null;

    private static ulong? Number(string text)
    {
        if (text.StartsWith("0f", StringComparison.OrdinalIgnoreCase) || text.StartsWith("0d", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? (ulong)number
            : ulong.TryParse(text.TrimEnd('U'), NumberStyles.None, CultureInfo.InvariantCulture, out ulong large) ? large : null;
    }

    [GeneratedRegex("//[^\n]*|/\\*.*?\\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\.entry\s+\S+\s*\((?<parameters>[^)]*)\)")]
    private static partial Regex Entry();

    [GeneratedRegex(@"\.param\s+(?:\.align\s+(?<align>\d+)\s+)?\.(?<type>\w+)\s+(?<name>[\w$]+)(?:\[(?<count>\d+)\])?")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^\.shared\s+(?:\.align\s+(?<align>\d+)\s+)?\.(?<type>\w+)\s+(?<name>[\w$]+)\[(?<count>\d+)\]$")]
    private static partial Regex SharedVariable();

    [GeneratedRegex(@"\G([\w$]+):(?!:)")]
    private static partial Regex Label();
}
