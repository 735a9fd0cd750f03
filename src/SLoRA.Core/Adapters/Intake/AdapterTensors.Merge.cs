using System.Text.Json;
using SLoRA.Adapters.Intake;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Formats.Peft;

namespace SLoRA;

/// <content>Several adapters become one, and folders become tensors.</content>
public sealed partial class AdapterTensors
{
    /// <summary>Reads an adapter's folder, as PEFT writes it, into memory.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="AdapterLoadException">It cannot be read. Whether it is for a model is checked when it is registered.</exception>
    public static AdapterTensors FromFolder(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var package = new AdapterFolder(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), folder);
        try
        {
            using AdapterReader reader = package.Open();
            if (reader.ConfigBytes.IsEmpty)
            {
                throw new FormatError(LoadErrorKind.Incompatible, reader.File, null, "is no adapter in PEFT's form");
            }

            var tensors = new AdapterTensors(System.Text.Encoding.UTF8.GetString(reader.ConfigBytes.Span));
            foreach (TensorEntry entry in reader.Tensors)
            {
                byte[] bytes = new byte[entry.Length];
                reader.Read(entry, 0, bytes);
                tensors.Add(entry.Name, entry.Type, bytes, checked((int)entry.ElementCount), [.. entry.Shape.Select(size => (int)size)]);
            }

            reader.CheckUnchanged();
            return tensors;
        }
        catch (FormatError error)
        {
            throw new AdapterLoadException(package.Name, error);
        }
    }

    /// <summary>
    /// Makes one adapter of several that are plain LoRA, as PEFT's <c>add_weighted_adapter</c> does. A module that an adapter lacks is
    /// merged of those that have it. The result has fp32 factors and the scale 1; it is registered like any other. Takes the time of the
    /// values, in <see cref="AdapterMergeMethod.Svd"/> also of the cube of the sum of the ranks, on the caller's thread.
    /// </summary>
    /// <param name="how">The method.</param>
    /// <param name="adapters">The adapters, each with its weight; the order matters to rounding and random numbers alone.</param>
    /// <exception cref="InvalidOptionException">A value of <paramref name="how"/> or a weight is out of its range, or the method needs
    /// equal ranks and these are not.</exception>
    /// <exception cref="AdapterLoadException">An adapter is broken, or not plain LoRA.</exception>
    public static AdapterTensors Merge(AdapterMerge how, params IReadOnlyList<(AdapterTensors Adapter, double Weight)> adapters)
    {
        ArgumentNullException.ThrowIfNull(how);
        ArgumentNullException.ThrowIfNull(adapters);
        how.Check();
        if (adapters.Count == 0)
        {
            throw new ArgumentException("There are no adapters.", nameof(adapters));
        }

        var modules = new SortedDictionary<string, (bool IsEmbedding, List<Factors> Parts)>(StringComparer.Ordinal);
        for (int at = 0; at < adapters.Count; at++)
        {
            if (!double.IsFinite(adapters[at].Weight))
            {
                throw new InvalidOptionException("Weight", FormattableString.Invariant(
                    $"The weight of adapter {at + 1} is {adapters[at].Weight}; it must be finite."));
            }

            adapters[at].Adapter.Collect(at, adapters[at].Weight, modules);
        }

        var merge = new FactorMerge(how, new Random(unchecked((int)(how.Seed ^ (how.Seed >> 32)))));
        List<(string Module, bool IsEmbedding, Factors Factors)> merged = [];
        foreach ((string module, (bool isEmbedding, List<Factors> parts)) in modules)
        {
            CheckSizes(how, module, parts);
            merged.Add((module, isEmbedding, merge.Merge(parts.ToArray())));
        }

        return Of(merged);
    }

    private static void CheckSizes(AdapterMerge how, string module, List<Factors> parts)
    {
        bool needsEqualRanks = how.Method is not (AdapterMergeMethod.Concatenate or AdapterMergeMethod.Svd);
        foreach (Factors part in parts)
        {
            if (part.Inputs != parts[0].Inputs || part.Outputs != parts[0].Outputs)
            {
                throw new InvalidOptionException(nameof(how.Method),
                    $"The adapters are for different models: in {Shown.Name(module)} one has [{part.Outputs}, {part.Inputs}], another "
                        + $"[{parts[0].Outputs}, {parts[0].Inputs}].");
            }

            if (needsEqualRanks && part.Rank != parts[0].Rank)
            {
                throw new InvalidOptionException(nameof(how.Method),
                    $"{how.Method} needs adapters of one rank: in {Shown.Name(module)} one has the rank {part.Rank}, another "
                        + $"{parts[0].Rank}. Concatenate and Svd take any.");
            }
        }
    }

    private static AdapterTensors Of(List<(string Module, bool IsEmbedding, Factors Factors)> merged)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("peft_type", "LORA");
            writer.WriteNumber("r", merged[0].Factors.Rank);
            writer.WriteNumber("lora_alpha", merged[0].Factors.Rank);
            foreach (string pattern in (string[])["rank_pattern", "alpha_pattern"])
            {
                writer.WriteStartObject(pattern);
                foreach ((string module, _, Factors factors) in merged)
                {
                    writer.WriteNumber("^" + module.Replace(".", @"\.", StringComparison.Ordinal), factors.Rank);
                }

                writer.WriteEndObject();
            }

            writer.WriteStartArray("target_modules");
            foreach ((string module, _, _) in merged)
            {
                writer.WriteStringValue(module);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        var tensors = new AdapterTensors(System.Text.Encoding.UTF8.GetString(json.ToArray()));
        foreach ((string module, bool isEmbedding, Factors factors) in merged)
        {
            tensors.Add(PeftTensorKey.Name(module, isEmbedding ? PeftTensorRole.EmbeddingA : PeftTensorRole.A), factors.A,
                factors.Rank, factors.Inputs);
            tensors.Add(PeftTensorKey.Name(module, isEmbedding ? PeftTensorRole.EmbeddingB : PeftTensorRole.B), factors.B,
                factors.Outputs, factors.Rank);
        }

        return tensors;
    }

    /// <summary>Adds the factors of every module to the others' of the same.</summary>
    private void Collect(int number, double weight, SortedDictionary<string, (bool IsEmbedding, List<Factors> Parts)> modules)
    {
        string name = $"number {number + 1}";
        try
        {
            PeftConfig config = PeftConfigReader.Read(ConfigDocument.Parse(_config, AdapterFolder.ConfigFile));
            if (!config.InvocationTokens.IsEmpty)
            {
                throw new FormatError(LoadErrorKind.Incompatible, AdapterFolder.ConfigFile, "alora_invocation_tokens",
                    "makes this activated LoRA, which acts on a part of the prompt and cannot be merged");
            }

            var matcher = new TargetMatcher(config);
            Dictionary<(string Module, bool IsA), (bool IsEmbedding, int Entry)> places = [];
            for (int at = 0; at < _entries.Count; at++)
            {
                if (PeftTensorKey.Parse(_entries[at].Name) is not { } place || place.Role > PeftTensorRole.EmbeddingB)
                {
                    throw new FormatError(LoadErrorKind.Incompatible, AdapterFolder.TensorFile, _entries[at].Name,
                        "is no matrix of plain LoRA, and others are not merged");
                }

                bool isA = place.Role is PeftTensorRole.A or PeftTensorRole.EmbeddingA;
                bool isEmbedding = place.Role is PeftTensorRole.EmbeddingA or PeftTensorRole.EmbeddingB;
                places[(place.Module, isA)] = (isEmbedding, at);
            }

            foreach (((string module, bool isA), (bool isEmbedding, int entry)) in places)
            {
                if (!isA)
                {
                    continue;
                }

                if (!places.TryGetValue((module, false), out (bool, int Entry) other))
                {
                    throw new FormatError(LoadErrorKind.Tensor, AdapterFolder.TensorFile, _entries[entry].Name, "has no B beside it");
                }

                (int rank, double alpha) = matcher.RankAndAlpha(module);
                CheckRank(_entries[entry], 0, rank);
                CheckRank(_entries[other.Entry], 1, rank);
                if (!modules.TryGetValue(module, out (bool, List<Factors> Parts) parts))
                {
                    modules.Add(module, parts = (isEmbedding, []));
                }

                parts.Parts.Add(new Factors(rank, Widened(entry), Widened(other.Entry), weight * config.Scale(rank, alpha)));
            }
        }
        catch (FormatError error)
        {
            throw new AdapterLoadException(name, error);
        }
    }

    private static void CheckRank(TensorEntry tensor, int dimension, int rank)
    {
        if (tensor.Shape.Length != 2 || tensor.Shape[dimension] != rank || tensor.ElementCount == 0)
        {
            throw new FormatError(LoadErrorKind.Tensor, AdapterFolder.TensorFile, tensor.Name,
                $"has the shape {tensor.ShapeText}; the configuration gives its module the rank {rank}");
        }
    }

    private float[] Widened(int entry)
    {
        var values = new float[_entries[entry].ElementCount];
        WeightFormat format = WeightFormat.Of(_entries[entry].Type) ?? throw new FormatError(
            LoadErrorKind.Tensor, AdapterFolder.TensorFile, _entries[entry].Name,
            $"has the type {_entries[entry].Type}; F32, F16 and BF16 are served");
        format.Widen(_values[entry], values);
        return values;
    }
}
