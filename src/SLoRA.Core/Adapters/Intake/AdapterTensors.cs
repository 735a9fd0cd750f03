using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using SLoRA.Adapters.Intake;
using SLoRA.Errors;
using SLoRA.Formats;

namespace SLoRA;

/// <summary>
/// An adapter that the program hands in as tensors instead of a folder. The tensors bear the names that PEFT gives them
/// (<c>base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight</c>; the prefix may be left out) and its shapes: A is [rank, in], B
/// is [out, rank], <c>lora_embedding_A</c> is [rank, vocabulary] and <c>lora_embedding_B</c> [hidden, rank]. All values are copied when
/// they are added. What is registered is what the object holds at that moment; an object is for one thread at a time.
/// </summary>
public sealed partial class AdapterTensors
{
    private readonly byte[] _config;
    private readonly List<TensorEntry> _entries = [];
    private readonly List<byte[]> _values = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>
    /// Starts an adapter with a configuration in the form of PEFT's adapter_config.json. It is checked when the adapter is registered.
    /// </summary>
    /// <param name="configJson">The text of the configuration.</param>
    public AdapterTensors(string configJson)
    {
        ArgumentNullException.ThrowIfNull(configJson);
        _config = Encoding.UTF8.GetBytes(configJson);
    }

    /// <summary>Starts an adapter with the same rank and alpha in all of its modules.</summary>
    /// <param name="settings">What the adapter computes.</param>
    /// <exception cref="ArgumentException">Rank or alpha are out of range, or there are no target modules.</exception>
    public AdapterTensors(AdapterSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Rank, 1);
        if (!double.IsFinite(settings.Alpha))
        {
            throw new ArgumentOutOfRangeException(nameof(settings), settings.Alpha, "Alpha must be finite.");
        }

        if (settings.TargetModules.IsDefaultOrEmpty)
        {
            throw new ArgumentException("There are no target modules.", nameof(settings));
        }

        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("peft_type", "LORA");
            writer.WriteNumber("r", settings.Rank);
            writer.WriteNumber("lora_alpha", settings.Alpha);
            writer.WriteBoolean("use_rslora", settings.UseRsLora);
            writer.WriteStartArray("target_modules");
            foreach (string module in settings.TargetModules)
            {
                writer.WriteStringValue(module);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        _config = json.ToArray();
    }

    /// <summary>Adds a tensor of fp32 values.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its elements, the last dimension contiguous.</param>
    /// <param name="shape">Its dimensions, outermost first.</param>
    /// <exception cref="ArgumentException">The name is taken, or the shape does not fit the number of elements.</exception>
    public void Add(string name, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
        => Add(name, TensorType.F32, MemoryMarshal.AsBytes(values), values.Length, shape);

    /// <summary>Adds a tensor of fp16 values.</summary>
    /// <inheritdoc cref="Add(string, ReadOnlySpan{float}, ReadOnlySpan{int})"/>
    public void Add(string name, ReadOnlySpan<Half> values, params ReadOnlySpan<int> shape)
        => Add(name, TensorType.F16, MemoryMarshal.AsBytes(values), values.Length, shape);

    /// <summary>Adds a tensor of bf16 values, given by their bits: the upper halves of fp32 values.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bits">The bits of its elements, the last dimension contiguous.</param>
    /// <param name="shape">Its dimensions, outermost first.</param>
    /// <exception cref="ArgumentException">The name is taken, or the shape does not fit the number of elements.</exception>
    public void AddBFloat16(string name, ReadOnlySpan<ushort> bits, params ReadOnlySpan<int> shape)
        => Add(name, TensorType.BF16, MemoryMarshal.AsBytes(bits), bits.Length, shape);

    /// <summary>The package of what has been added so far.</summary>
    internal AdapterPackage ToPackage(string name) => new TensorPackage(name, _config, [.. _entries], [.. _values], _bytes);

    private void Add(string name, TensorType type, ReadOnlySpan<byte> bytes, int elements, ReadOnlySpan<int> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        var dimensions = ImmutableArray.CreateBuilder<long>(shape.Length);
        Int128 count = 1;
        foreach (int dimension in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension, nameof(shape));
            dimensions.Add(dimension);
            // Capped, so that a long shape cannot overflow: past the number of elements it is wrong anyway, unless a zero follows.
            count = dimension == 0 ? 0 : Int128.Min(count * dimension, (Int128)int.MaxValue + 1);
        }

        if (count != elements)
        {
            throw new ArgumentException(
                $"The tensor {Shown.Name(name)} has {elements} elements, its shape [{string.Join(", ", dimensions)}] does not.",
                nameof(shape));
        }

        if (!_names.Add(name))
        {
            throw new ArgumentException($"There is a tensor {Shown.Name(name)} already.", nameof(name));
        }

        _entries.Add(new TensorEntry(name, type, dimensions.MoveToImmutable(), _entries.Count, bytes.Length));
        _values.Add(bytes.ToArray());
        _bytes += bytes.Length;
    }
}
