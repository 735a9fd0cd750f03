using NUnit.Framework;
using SLoRA.Gpu.Bench.Roofline;

namespace SLoRA.Core.Tests.Backends.Gpu.Assembly;

/// <summary>The roofline model of the bench: its kernels are those of the budgets, and its times follow from its numbers.</summary>
public sealed class RooflineTests
{
    private static readonly Card Small = new("test", 100, 1e9, 1e12, 4e12, 1024, 2048, 200 << 10, 2048);

    private static readonly LaunchModel[] Launches =
    [
        KernelModels.TensorFew(1, 4096, 4096), KernelModels.TensorSeveral(64, 4096, 4096), KernelModels.TensorMany(128, 4096, 4096),
        KernelModels.PlainFew(1, 4096, 4096), KernelModels.PlainMany(64, 4096, 4096), KernelModels.Attend(8, 32, 128, 512),
        KernelModels.Shrink(8, 1, 16, 4096, 3), KernelModels.Expand(8, 1, 16, 4096, 3),
        KernelModels.Packed("Q4_0", 1, 4096, 4096), KernelModels.Packed("Q4_K", 9, 4096, 4096),
        KernelModels.Packed("Q6_K", 20, 4096, 4096), KernelModels.Packed("Q8_0", 1, 4096, 4096),
        KernelModels.AttendSplit(8, 32, 8, 128, 512), KernelModels.AttendWalk(100, 32, 8, 128),
    ];

    [TestCaseSource(nameof(Launches))]
    public void Kernels_of_the_model_take_what_their_budgets_say(object launch)
    {
        var model = (LaunchModel)launch;
        KernelBudget budget = KernelBudget.Read()[model.Kernel];
        Assert.That((model.Registers, model.SharedBytes), Is.EqualTo((budget.Registers90, budget.SharedBytes)));
    }

    [Test]
    public void Groups_that_a_multiprocessor_holds_are_bound_by_registers_shared_memory_and_threads()
    {
        var launch = new LaunchModel("kernel", 1, 32, 0, 0, 0, 0, 0, 0);
        Assert.Multiple(() =>
        {
            Assert.That(launch.Resident(Small), Is.EqualTo(16), "2048 threads of 128");
            Assert.That((launch with { Registers = 121 }).Resident(Small), Is.EqualTo(4), "128 registers × 128 threads of 65536");
            Assert.That((launch with { SharedBytes = 48 << 10 }).Resident(Small), Is.EqualTo(4), "49 KiB of 200");
        });
    }

    [Test]
    public void The_longest_of_memory_cache_tensor_cores_and_issue_is_what_a_launch_takes()
    {
        // A hundred groups, one for each multiprocessor, with as much under way as the memory can be asked for: 700 KB in 700 ns.
        var launch = new LaunchModel("kernel", 100, 32, 0, 1e9, 0, 0, 0, 7000);
        Assert.Multiple(() =>
        {
            Expect(launch, 1e-3, "memory");
            Expect(launch with { BytesUnderWay = 3500 }, 2e-3, "requests");
            Expect(launch with { CacheBytes = 16e9 }, 4e-3, "cache");
            Expect(launch with { TensorFma = 100 * 1024 * 5e6 }, 5e-3, "tensor cores");
            Expect(launch with { Instructions = 400 * 6e6 }, 6e-3, "issue");

            // One group more, and a multiprocessor has two where the mean is 1.01.
            Expect(launch with { Groups = 101, Instructions = 101 * 4 * 6e6 }, 12e-3, "issue");
        });

        static void Expect(LaunchModel launch, double seconds, string limit)
        {
            Prediction prediction = launch.On(Small);
            Assert.That(prediction.Seconds - Card.Launch, Is.EqualTo(seconds).Within(1e-9));
            Assert.That(prediction.Limit, Is.EqualTo(limit));
        }
    }
}
