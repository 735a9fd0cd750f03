using System.Collections.Frozen;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Bench;

/// <summary>
/// Which type each matrix of a GGUF file has. Those of several types are llama.cpp's (<c>llama_model_quantize</c>): the tied head and
/// some of the matrices that errors cost most have more bits, and what is no multiple of 256 wide has a type with blocks of 32.
/// </summary>
internal sealed class GgufMixture
{
    private const int WideBlock = 256;

    // The format's numbers of types.
    private static readonly FrozenDictionary<WeightFormat, uint> Ids = new Dictionary<WeightFormat, uint>
    {
        [WeightFormat.F32] = 0,
        [WeightFormat.F16] = 1,
        [BlockFormats.Q4_0] = 2,
        [BlockFormats.Q5_0] = 6,
        [WeightFormat.Q8_0] = 8,
        [BlockFormats.Q4K] = 12,
        [BlockFormats.Q6K] = 14,
    }.ToFrozenDictionary();

    private readonly Func<string, int, int, WeightFormat> _choose;

    private GgufMixture(string name, Func<string, int, int, WeightFormat> choose)
    {
        Name = name;
        _choose = choose;
    }

    /// <summary>All of them.</summary>
    public static GgufMixture[] All { get; } =
    [
        new("f32", static (_, _, _) => WeightFormat.F32),
        new("f16", static (_, _, _) => WeightFormat.F16),
        new("q8_0", static (_, _, _) => WeightFormat.Q8_0),
        new("q4_0", static (name, _, _) => IsHead(name) ? BlockFormats.Q6K : BlockFormats.Q4_0),
        new("q4_k_m", static (name, layer, layers) =>
            IsHead(name) || (HasMoreBits(layer, layers) && (name.Contains("attn_v") || name.Contains("ffn_down")))
                ? BlockFormats.Q6K
                : BlockFormats.Q4K),
    ];

    /// <summary>What people call such a file.</summary>
    public string Name { get; }

    /// <summary>The mixture of a name.</summary>
    public static GgufMixture Find(string name) => All.First(mixture => mixture.Name == name);

    /// <summary>The number that a file gives a type.</summary>
    public static uint IdOf(WeightFormat type) => Ids[type];

    /// <summary>The type of a matrix.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="layers">Layers of the model.</param>
    public WeightFormat TypeOf(string name, int inputs, int layers)
    {
        string[] parts = name.Split('.');
        WeightFormat type = _choose(name, parts[0] == "blk" ? int.Parse(parts[1]) : 0, layers);
        if (inputs % type.BlockElements == 0)
        {
            return type;
        }

        return inputs % WideBlock != 0 && type == BlockFormats.Q6K ? WeightFormat.Q8_0 : BlockFormats.Q5_0;
    }

    /// <summary>Bytes of all products' weights of a shape, the head's among them.</summary>
    public double BytesOf(Shape shape) =>
        RandomGguf.Tensors(shape).Where(tensor => !tensor.IsWide).Sum(tensor => (double)new RandomGgufTensor(
            tensor.Name, tensor.Shape, TypeOf(tensor.Name, tensor.Shape[^1], shape.Layers)).Bytes);

    private static bool IsHead(string name) => name is "token_embd.weight";

    private static bool HasMoreBits(int layer, int layers) =>
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - (layers / 8)) % 3 == 2;
}
