using System.Collections.Immutable;
using System.Globalization;
using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;
using SLoRA.Models;
using SLoRA.Models.Blocks;
using SLoRA.Models.Families;
using SLoRA.Planning;
using SLoRA.Pool;
using SLoRA.Step;

namespace SLoRA;

/// <summary>
/// Says before anything is bought or loaded what a device can serve. Pages and bytes are those that an engine with these options would
/// have, worked out by its own code; times are an estimate: a steady state of average requests, at the speed that the device's profile
/// gives. Thread-safe.
/// </summary>
public static class CapacityPlanner
{
    private const int MostAdapters = 10_000_000;
    private const double MostSkew = 4;
    private const double MostVariation = 10;
    private const int Rounds = 200;

    /// <summary>Plans a deployment.</summary>
    /// <param name="question">What is to be served.</param>
    /// <exception cref="InvalidOptionException">A value is out of its range, or the device's memory does not hold weights and a
    /// request.</exception>
    /// <exception cref="ModelLoadException">The configuration is missing, broken or not served.</exception>
    public static CapacityPlan Plan(CapacityQuestion question)
    {
        ArgumentNullException.ThrowIfNull(question);
        Check(question);
        DecoderDescription decoder = Describe(question.Model);
        DecoderModules modules = DecoderModules.Of(decoder);
        KvLayout layout = KvLayout.For(
            decoder.Kept, CacheElements.Of(question.Pool.CacheType, decoder.WeightType), question.Pool.PageTokens);
        long weightBytes = question.WeightBytes ?? modules.Tensors.Sum(tensor => tensor.Shape.Length == 1
            ? tensor.ElementCount * sizeof(float)
            : tensor.ElementCount * decoder.WeightType.ElementSize());
        long poolBytes = (long)(question.Device.MemoryBytes * (1 - question.Device.ReservedShare)) - weightBytes;
        int pages = (int)Math.Clamp(poolBytes / layout.PageBytes, 0, int.MaxValue);
        TrafficProfile traffic = question.Traffic;

        // The last token is never computed.
        int answer = (int)Math.Min(int.MaxValue / 2, Math.Ceiling(traffic.RunningOutputTokens));
        int requestPages =
            TableShape.Of(layout, question.Scheduling.MaxRowsPerStep).PagesFor(traffic.PromptTokens + answer - 1);
        Adapted adapters = Measure(question, modules.Targets, decoder, layout);
        if (pages < requestPages + adapters.LargestPages)
        {
            throw new InvalidOptionException("Device.MemoryBytes", string.Create(
                CultureInfo.InvariantCulture,
                $"Device.MemoryBytes is {question.Device.MemoryBytes}: beside {weightBytes} bytes of weights that leaves {pages} pages of "
                + $"{layout.PageBytes}, and one request needs {requestPages} and {adapters.LargestPages} for its adapter."));
        }

        long matrixElements = modules.Tensors.Where(tensor => tensor.Shape.Length > 1).Sum(tensor => tensor.ElementCount);
        StepCost cost = question.Device.CostOf(
            weightBytes, 2.0 * matrixElements, (double)layout.Groups.Length * layout.PageBytes / layout.PageTokens,
            adapters.RankBytes);
        var state = new SteadyState(traffic, cost, new Popularity(adapters.Count, traffic.Skew), adapters.Rank, adapters.Pages);
        int places = Math.Min(question.Scheduling.Places, question.Scheduling.MaxRowsPerStep);
        int most = state.MostRunning(pages, requestPages, places);
        double running = state.Running(most, Rounds, out bool isSaturated);
        double step = state.StepSeconds(running);
        double served = isSaturated ? running / (traffic.OutputTokens * step) : traffic.RequestsPerSecond;
        int fit = adapters.Pages == 0 ? 0 : (int)Math.Max(0, (pages - (running * requestPages)) / adapters.Pages);
        int residents = Math.Min(fit, adapters.Count);
        double hitRate = state.Popularity.ShareOfFirst(residents);
        double pageIn = (1 - hitRate) * adapters.Pages * layout.PageBytes / question.Device.LinkBandwidth;
        double promptSteps = Math.Ceiling((double)traffic.PromptTokens / question.Scheduling.MaxRowsPerStep);
        return new CapacityPlan
        {
            WeightBytes = weightBytes,
            PoolBytes = poolBytes,
            PageBytes = layout.PageBytes,
            PageTokens = layout.PageTokens,
            Pages = pages,
            RequestPages = requestPages,
            AdapterPages = adapters.Pages,
            HostBytes = adapters.HostBytes,
            Running = running,
            MostRunning = most,
            AdaptersThatFit = fit,
            Residents = residents,
            HitRate = hitRate,
            IsSaturated = isSaturated,
            RequestsPerSecond = served,
            TokensPerSecond = served * traffic.OutputTokens,
            StepTime = TimeSpan.FromSeconds(step),

            // On average a request comes in the middle of a step.
            FirstToken = isSaturated ? null : TimeSpan.FromSeconds(pageIn + state.FirstTokenSeconds(step, promptSteps)),
        };
    }

    private static DecoderDescription Describe(string folder)
    {
        try
        {
            return DecoderFamilies.Describe(ModelFolder.Open(folder).Config);
        }
        catch (FormatError error)
        {
            throw new ModelLoadException(error);
        }
    }

    /// <summary>What the adapters take, by the planner that lays them out for an engine.</summary>
    private static Adapted Measure(
        CapacityQuestion question, ImmutableArray<TargetModule> targets, DecoderDescription decoder, KvLayout layout)
    {
        double count = 0;
        double pages = 0;
        double ranks = 0;
        double bytes = 0;
        int largest = 0;
        for (int i = 0; i < question.Adapters.Count; i++)
        {
            AdapterGroup group = question.Adapters[i];
            ImmutableArray<AdapterModule> modules =
            [
                .. targets.Where(target => target.IsTarget && group.Modules.Contains(target.Name.Split('.')[^1], StringComparer.Ordinal))
                    .Select(target => ModuleOf(target, group.Rank, decoder.WeightType)),
            ];
            if (modules.IsEmpty)
            {
                throw new InvalidOptionException(
                    $"Adapters[{i}].Modules", $"Adapters[{i}].Modules is {string.Join(", ", group.Modules)}; the model has none of them.");
            }

            var shape = new AdapterShape(
                modules, layout.PageBytes,
                adapter => TilePlanner.Plan(
                    adapter, targets.Length, layout.PageBytes, question.Pool.AdapterWeights, decoder.WeightType));
            count += group.Count;
            pages += (double)group.Count * shape.PageCount;
            ranks += (double)group.Count * group.Rank;
            bytes += (double)group.Count * shape.ImageBytes;
            largest = group.Count > 0 ? Math.Max(largest, shape.PageCount) : largest;
        }

        return count == 0
            ? new Adapted(0, 0, 0, 0, 0, 0)
            : new Adapted((int)count, pages / count, ranks / count, (long)bytes, bytes / Math.Max(1, ranks), largest);
    }

    private static AdapterModule ModuleOf(TargetModule target, int rank, TensorType type)
    {
        return new AdapterModule(target, rank, 1, Tensor("A", rank, target.InFeatures), Tensor("B", target.OutFeatures, rank));

        TensorEntry Tensor(string name, int rows, int columns) =>
            new($"{target.Name}.{name}", type, [rows, columns], 0, (long)rows * columns * type.ElementSize());
    }

    private static void Check(CapacityQuestion question)
    {
        DeviceProfile device = question.Device;
        Positive(device.MemoryBytes, "Device.MemoryBytes");
        Positive(device.MemoryBandwidth, "Device.MemoryBandwidth");
        Positive(device.FloatOperations, "Device.FloatOperations");
        Positive(device.LinkBandwidth, "Device.LinkBandwidth");
        Share(device.BandwidthEfficiency, "Device.BandwidthEfficiency");
        Share(device.ComputeEfficiency, "Device.ComputeEfficiency");
        Within(device.StepOverhead, 0, 10, "Device.StepOverhead");
        Within(device.ReservedShare, 0, 0.99, "Device.ReservedShare");
        Positive(question.Traffic.RequestsPerSecond, "Traffic.RequestsPerSecond");
        Within(question.Traffic.PromptTokens, 1, int.MaxValue / 4, "Traffic.PromptTokens");
        Within(question.Traffic.OutputTokens, 1, int.MaxValue / 4, "Traffic.OutputTokens");
        Within(question.Traffic.OutputVariation, 0, MostVariation, "Traffic.OutputVariation");
        Within(question.Traffic.Skew, 0, MostSkew, "Traffic.Skew");
        if (question.WeightBytes is { } weights)
        {
            Positive(weights, "WeightBytes");
        }

        for (int i = 0; i < question.Adapters.Count; i++)
        {
            Within(question.Adapters[i].Count, 0, MostAdapters, $"Adapters[{i}].Count");
            Within(question.Adapters[i].Rank, 1, 1 << 16, $"Adapters[{i}].Rank");
        }

        Within(question.Adapters.Sum(group => (double)group.Count), 0, MostAdapters, "Adapters");
        OptionRules.Check(question.Pool);
        OptionRules.Check(question.Scheduling);
    }

    private static void Positive(double value, string name) => Within(value, double.Epsilon, 1e30, name);

    private static void Share(double value, string name) => Within(value, double.Epsilon, 1, name);

    private static void Within(double value, double least, double most, string name)
    {
        if (!(value >= least && value <= most))
        {
            throw new InvalidOptionException(name, string.Create(
                CultureInfo.InvariantCulture,
                $"{name} is {value}; it must be {(least == double.Epsilon ? "positive" : $"at least {least}")} and at most {most}."));
        }
    }

    /// <summary>The adapters on average, and the largest of them.</summary>
    private readonly record struct Adapted(int Count, double Pages, double Rank, long HostBytes, double RankBytes, int LargestPages);
}
