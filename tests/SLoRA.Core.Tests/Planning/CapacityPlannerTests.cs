using NUnit.Framework;

namespace SLoRA.Core.Tests.Planning;

internal sealed class CapacityPlannerTests
{
    private static readonly string Model = RepositoryFolder.Fixture("core-llama-gqa", "model");

    private static readonly DeviceProfile Device = new()
    {
        Name = "test",
        MemoryBytes = 16 << 20,
        MemoryBandwidth = 1e9,
        FloatOperations = 1e10,
        LinkBandwidth = 1e9,
        ReservedShare = 0,
        StepOverhead = 0,
    };

    private static readonly CapacityQuestion Question = new()
    {
        Model = Model,
        Device = Device,
        Traffic = new TrafficProfile { RequestsPerSecond = 1, PromptTokens = 20, OutputTokens = 13 },
        Adapters = [new AdapterGroup { Count = 30, Rank = 8 }, new AdapterGroup { Count = 10, Rank = 16 }],
    };

    [Test]
    public async Task Pages_and_bytes_are_those_of_an_engine([Values(CacheType.Weights, CacheType.Int8)] CacheType type)
    {
        CapacityPlan plan = CapacityPlanner.Plan(Question with
        {
            Pool = new PoolOptions { CacheType = type },
            Adapters =
            [
                new AdapterGroup
                {
                    Count = 1,
                    Rank = 16,
                    Modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
                },
            ],
        });
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(Model)
            .ConfigurePool(pool => (pool.Bytes, pool.CacheType) = (plan.PoolBytes, type))
            .AddAdapter("one", RepositoryFolder.Fixture("core-llama-gqa", "adapters", "all-linear"))
            .BuildAsync();

        Assert.Multiple(() =>
        {
            Assert.That(plan.Pages, Is.EqualTo(engine.Status.Pool.Total));
            Assert.That(plan.PageBytes, Is.EqualTo(engine.Status.Pool.PageBytes));
            Assert.That(engine.Adapters.TryGet("one", out AdapterStatus? adapter), Is.True);
            Assert.That(plan.AdapterPages, Is.EqualTo(adapter!.Pages));
            Assert.That(plan.PoolBytes, Is.EqualTo(Device.MemoryBytes - plan.WeightBytes));
        });
    }

    [Test]
    public void A_request_needs_pages_for_all_its_tokens_but_the_last()
    {
        CapacityPlan plan = CapacityPlanner.Plan(Question);

        Assert.That(plan.PageTokens, Is.EqualTo(16));
        Assert.That(plan.RequestPages, Is.EqualTo(2));
    }

    [Test]
    public void Light_traffic_is_answered_as_it_comes()
    {
        CapacityPlan plan = CapacityPlanner.Plan(Question);

        Assert.Multiple(() =>
        {
            Assert.That(plan.IsSaturated, Is.False);
            Assert.That(plan.RequestsPerSecond, Is.EqualTo(1));
            Assert.That(plan.TokensPerSecond, Is.EqualTo(13));
            Assert.That(plan.Residents, Is.EqualTo(40));
            Assert.That(plan.HitRate, Is.EqualTo(1).Within(1e-9));
            Assert.That(plan.FirstToken, Is.GreaterThan(TimeSpan.Zero));

            // Little's law: a request stays for its answer's steps.
            Assert.That(plan.Running, Is.EqualTo(13 * plan.StepTime.TotalSeconds).Within(1).Percent);
        });
    }

    [Test]
    public void More_than_the_device_can_do_saturates_it()
    {
        CapacityPlan most = CapacityPlanner.Plan(Question with { Traffic = Question.Traffic with { RequestsPerSecond = 1e6 } });
        CapacityPlan more = CapacityPlanner.Plan(Question with { Traffic = Question.Traffic with { RequestsPerSecond = 2e6 } });

        Assert.Multiple(() =>
        {
            Assert.That(most.IsSaturated, Is.True);
            Assert.That(most.FirstToken, Is.Null);
            Assert.That(most.Running, Is.EqualTo(most.MostRunning));
            Assert.That(most.RequestsPerSecond, Is.LessThan(1e6));
            Assert.That(more.RequestsPerSecond, Is.EqualTo(most.RequestsPerSecond));
        });
    }

    [Test]
    public void Adapters_that_find_no_room_are_fetched_again()
    {
        CapacityPlan few = CapacityPlanner.Plan(Question with { Adapters = [new AdapterGroup { Count = 5000, Rank = 16 }] });
        CapacityPlan skewed = CapacityPlanner.Plan(Question with
        {
            Adapters = [new AdapterGroup { Count = 5000, Rank = 16 }],
            Traffic = Question.Traffic with { Skew = 1 },
        });

        Assert.Multiple(() =>
        {
            Assert.That(few.Residents, Is.EqualTo(few.AdaptersThatFit).And.LessThan(5000));
            Assert.That(few.HitRate, Is.EqualTo(few.Residents / 5000.0).Within(1e-9));
            Assert.That(skewed.HitRate, Is.GreaterThan(2 * few.HitRate));
        });
    }

    /// <summary>
    /// Half of the answers have 1 token and half 39: 20 and a deviation of 19. At any moment most that run are the long ones.
    /// </summary>
    [Test]
    public void Longer_answers_hold_their_pages_for_longer()
    {
        TrafficProfile flood = Question.Traffic with { RequestsPerSecond = 1e6, OutputTokens = 20 };
        CapacityQuestion question =
            Question with { Traffic = flood, Scheduling = new SchedulingOptions { MaxRowsPerStep = 65536, MaxRunning = 65536 } };
        CapacityPlan alike = CapacityPlanner.Plan(question);
        CapacityPlan various = CapacityPlanner.Plan(question with { Traffic = flood with { OutputVariation = 19 / 20.0 } });
        double running = ((1 * 1) + (39 * 39)) / (1.0 + 39);

        Assert.That(alike.RequestPages, Is.EqualTo((20 + 20 - 1 + 15) / 16));
        Assert.That(various.RequestPages, Is.EqualTo((20 + (int)Math.Ceiling(running) - 1 + 15) / 16));
        Assert.That(various.MostRunning, Is.LessThan(alike.MostRunning));
        Assert.That(various.RequestsPerSecond, Is.LessThan(alike.RequestsPerSecond));
    }

    [Test]
    public void Twice_the_bandwidth_and_arithmetic_is_twice_the_speed()
    {
        TrafficProfile flood = Question.Traffic with { RequestsPerSecond = 1e6 };
        CapacityPlan slow = CapacityPlanner.Plan(Question with { Traffic = flood });
        CapacityPlan quick = CapacityPlanner.Plan(Question with
        {
            Traffic = flood,
            Device = Device with { MemoryBandwidth = 2 * Device.MemoryBandwidth, FloatOperations = 2 * Device.FloatOperations },
        });

        Assert.That(quick.RequestsPerSecond, Is.EqualTo(2 * slow.RequestsPerSecond).Within(1e-6).Percent);
    }

    [TestCase("Device.MemoryBandwidth")]
    [TestCase("Device.BandwidthEfficiency")]
    [TestCase("Device.ReservedShare")]
    [TestCase("Traffic.RequestsPerSecond")]
    [TestCase("Traffic.OutputTokens")]
    [TestCase("Traffic.OutputVariation")]
    [TestCase("Traffic.Skew")]
    [TestCase("Adapters[1].Rank")]
    [TestCase("Adapters[1].Modules")]
    [TestCase("WeightBytes")]
    [TestCase("Pool.PageTokens")]
    [TestCase("Device.MemoryBytes")]
    public void What_cannot_be_is_refused_by_name(string option)
    {
        CapacityQuestion wrong = option switch
        {
            "Device.MemoryBandwidth" => Question with { Device = Device with { MemoryBandwidth = double.NaN } },
            "Device.BandwidthEfficiency" => Question with { Device = Device with { BandwidthEfficiency = 1.1 } },
            "Device.ReservedShare" => Question with { Device = Device with { ReservedShare = 1 } },
            "Traffic.RequestsPerSecond" => Question with { Traffic = Question.Traffic with { RequestsPerSecond = 0 } },
            "Traffic.OutputTokens" => Question with { Traffic = Question.Traffic with { OutputTokens = 0 } },
            "Traffic.OutputVariation" => Question with { Traffic = Question.Traffic with { OutputVariation = -0.1 } },
            "Traffic.Skew" => Question with { Traffic = Question.Traffic with { Skew = 5 } },
            "Adapters[1].Rank" => With(new AdapterGroup { Count = 1, Rank = 0 }),
            "Adapters[1].Modules" => With(new AdapterGroup { Count = 1, Rank = 8, Modules = ["no_proj"] }),
            "WeightBytes" => Question with { WeightBytes = 0 },
            "Pool.PageTokens" => Question with { Pool = new PoolOptions { PageTokens = 3 } },
            _ => Question with { Device = Device with { MemoryBytes = 1 } },
        };

        Assert.That(
            () => CapacityPlanner.Plan(wrong),
            Throws.TypeOf<InvalidOptionException>().With.Property(nameof(InvalidOptionException.Option)).EqualTo(option));
    }

    [Test]
    public void A_folder_without_a_model_is_refused() => Assert.That(
        () => CapacityPlanner.Plan(Question with { Model = Path.GetTempPath() }), Throws.TypeOf<ModelLoadException>());

    private static CapacityQuestion With(AdapterGroup group) => Question with { Adapters = [Question.Adapters[0], group] };
}
