using System.Globalization;
using System.Runtime.InteropServices;

namespace SLoRA.Tests;

/// <summary>A tensor of 32-bit numbers.</summary>
internal sealed record FloatTensor(long[] Shape, float[] Values)
{
    /// <summary>The same numbers in another shape.</summary>
    public FloatTensor As(params long[] shape) => this with { Shape = shape };

    /// <summary>The last two dimensions the other way round.</summary>
    public FloatTensor Turned()
    {
        (int rows, int columns) = ((int)Shape[^2], (int)Shape[^1]);
        var turned = new float[Values.Length];
        for (int at = 0; at < Values.Length; at++)
        {
            int within = at % (rows * columns);
            turned[at - within + (within % columns * rows) + (within / columns)] = Values[at];
        }

        return new FloatTensor([.. Shape[..^2], columns, rows], turned);
    }

    /// <summary>Some of the rows, along a dimension.</summary>
    public FloatTensor Rows(int dimension, Func<int, int> row, int count)
    {
        int inner = (int)Shape[(dimension + 1)..].Aggregate(1L, (a, b) => a * b), rows = (int)Shape[dimension];
        int outer = Values.Length / inner / rows;
        var taken = new List<float>();
        for (int block = 0; block < outer; block++)
        {
            for (int at = 0; at < count; at++)
            {
                taken.AddRange(Values.AsSpan(((block * rows) + row(at)) * inner, inner));
            }
        }

        return new FloatTensor([.. Shape[..dimension], count, .. Shape[(dimension + 1)..]], [.. taken]);
    }

    /// <summary>Rows of heads so that neighbours rotate together: row 2 i + j of a head is row i + j · d/2.</summary>
    public FloatTensor Interleaved(int head) =>
        Rows(0, row => (row / head * head) + (row % head / 2) + (row % 2 * (head / 2)), (int)Shape[0]);

    public byte[] Bytes() => MemoryMarshal.AsBytes<float>(Values).ToArray();
}

/// <summary>Sizes that a conversion needs beside those of the tensors.</summary>
/// <param name="Heads">Heads of attention over a latent.</param>
/// <param name="Plain">Columns of their keys.</param>
/// <param name="Value">Columns of their values.</param>
/// <param name="DeltaKeys">Key heads of delta nets.</param>
/// <param name="DeltaValues">Value heads of delta nets.</param>
/// <param name="DeltaKey">Columns of their keys.</param>
/// <param name="DeltaValue">Columns of their values.</param>
/// <param name="Groups">Groups of Mamba's heads.</param>
internal sealed record GgufSizes(
    int Heads = 4, int Plain = 10, int Value = 14, int DeltaKeys = 2, int DeltaValues = 6, int DeltaKey = 8, int DeltaValue = 12,
    int Groups = 2);

/// <summary>
/// Writes a model of Hugging Face as llama.cpp's converter does: other names, experts one behind the other, and what an architecture
/// rearranges.
/// </summary>
internal sealed record GgufConversion
{
    public required string Architecture { get; init; }

    /// <summary>Names within a layer, of modules or of tensors, and outside of layers.</summary>
    public required Dictionary<string, string> Names { get; init; }

    /// <summary>Columns of a head whose rows are interleaved; 0 where they are not.</summary>
    public int InterleavedHead { get; init; }

    /// <summary>What becomes of single tensors of a layer; null where they only change their names.</summary>
    public Func<GgufSizes, string, FloatTensor, IEnumerable<(string Name, FloatTensor Tensor)>?> Special { get; init; } =
        (_, _, _) => null;

    /// <summary>What it needs to know besides.</summary>
    public GgufSizes Sizes { get; init; } = new();

    public string Body { get; init; } = "model.";

    /// <summary>Whether norms get 1 added, but for those of recurrences.</summary>
    public bool PlusOne { get; init; }

    /// <summary>The tensors under their names in a file.</summary>
    public Dictionary<string, FloatTensor> Convert(IEnumerable<(string Name, FloatTensor Tensor)> tensors)
    {
        var converted = new Dictionary<string, FloatTensor>();
        var experts = new Dictionary<string, SortedDictionary<int, FloatTensor>>();
        foreach ((string name, FloatTensor stored) in tensors)
        {
            bool shifts = PlusOne && name.EndsWith("norm.weight") && !name.EndsWith("linear_attn.norm.weight");
            FloatTensor tensor = shifts ? stored with { Values = [.. stored.Values.Select(value => value + 1)] } : stored;
            if (!name.StartsWith(Body + "layers.", StringComparison.Ordinal))
            {
                converted.Add(Renamed(name), tensor);
                continue;
            }

            string[] parts = name[(Body.Length + "layers.".Length)..].Split('.', 2);
            string layer = $"blk.{parts[0]}.";
            if (Special(Sizes, parts[1], tensor) is { } specials)
            {
                foreach ((string special, FloatTensor made) in specials)
                {
                    converted.Add(layer + special, made);
                }

                continue;
            }

            string[] pieces = parts[1].Split(".experts.");
            if (pieces.Length == 2
                && int.TryParse(pieces[1].Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int expert))
            {
                string stacked = layer + Renamed($"{pieces[0]}.experts.{pieces[1].Split('.', 2)[1]}");
                experts.TryAdd(stacked, []);
                experts[stacked].Add(expert, tensor);
                continue;
            }

            bool interleaves = InterleavedHead > 0 && (parts[1].Contains("q_proj.") || parts[1].Contains("k_proj."))
                && !parts[1].Contains("lora_A");
            converted.Add(layer + Renamed(parts[1]), interleaves ? tensor.Interleaved(InterleavedHead) : tensor);
        }

        foreach ((string stacked, SortedDictionary<int, FloatTensor> each) in experts)
        {
            converted.Add(
                stacked, new FloatTensor([each.Count, .. each[0].Shape], [.. each.Values.SelectMany(tensor => tensor.Values)]));
        }

        return converted;
    }

    /// <summary>The name in a file of a tensor, or of what an adapter has of one.</summary>
    private string Renamed(string name)
    {
        foreach (string ending in (string[])["", ".weight", ".bias", ".lora_A.weight", ".lora_B.weight"])
        {
            if (name.EndsWith(ending, StringComparison.Ordinal) && Names.TryGetValue(name[..^ending.Length], out string? gguf))
            {
                return gguf + ending switch
                {
                    ".lora_A.weight" => ".weight.lora_a",
                    ".lora_B.weight" => ".weight.lora_b",
                    _ => ending,
                };
            }
        }

        throw new ArgumentException($"{Architecture} has no name for {name}.", nameof(name));
    }
}
